import { test } from "vitest";
import { expectSameFromSpectra } from "../support/same-from-spectra.js";

test("any small worlds give the same from dumps and from spectra", () => expectSameFromSpectra(12));
