// Properties with all of their cases, of which npm test tries a third.

import "../support/all-cases.js";
import "./best.test.js";
import "./identities.test.js";
import "./marginal.test.js";
