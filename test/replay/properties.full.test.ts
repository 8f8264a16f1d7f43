// Properties with all of their cases, of which npm test tries a third.

import "../support/all-cases.js";
import "./at-rest.test.js";
import "./isolation.test.js";
import "./moves.test.js";
import "./one-thread.test.js";
import "./regroup.test.js";
import "./runs.test.js";
import "./still-worlds.test.js";
