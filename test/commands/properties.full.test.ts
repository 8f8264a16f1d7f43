// Properties with all of their cases, of which npm test tries a third.

import "../support/all-cases.js";
import "../peers/duckdb-rows.test.js";
import "../report/ledger.test.js";
import "../text/values.test.js";
import "./analyze.test.js";
import "./stdin.test.js";
