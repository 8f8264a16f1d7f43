// The decoders with damage and cuts at every place, and what the tools write of large files.

import "../support/all-cases.js";
import "./decoders.test.js";
import { describe, test } from "vitest";
import { CONTAINERS, mixedDump } from "../support/containers.js";
import { expectDamageFound, expectUnpacked } from "../support/decode.js";
import { because } from "../support/tools.js";

describe.each(CONTAINERS)("$name", ({ name, installed }) => {
  describe.skipIf(!installed)(`made by its tool${because(installed, `${name} is not installed`)}`, () => {
    test("of long runs and of what does not compress", () => expectUnpacked(name, 5 << 20));

    test("damaged or cut at many places", () => expectDamageFound(name, mixedDump(3 << 20).subarray(0, 300_000), 200));
  });
});
