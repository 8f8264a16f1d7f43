// Properties with all of their cases, of which npm test tries a third.

import "../support/all-cases.js";
import "./formats/flattened-elf.test.js";
import "./formats/qemu-migration-sections.test.js";
import "./formats/raw.test.js";
import "./high-addresses.test.js";
import "./unread-formats.test.js";
