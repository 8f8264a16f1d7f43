// Imported before tests of properties: all of their cases are tried (cases.ts).

process.env.PAGEKIN_TEST_CASES = "all";
