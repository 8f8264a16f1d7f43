// Saved spectra with all settings and all cases of small worlds, of which npm test tries some.

import "../support/all-cases.js";
import "./spectrum.test.js";
