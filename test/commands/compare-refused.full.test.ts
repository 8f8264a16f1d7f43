// More of what compare refuses: of each kind of mistake, compare.test.ts has one or two.

import { describe } from "vitest";
import { expectPolicyRefused, SOURCES, writeCompared } from "../support/compared.js";
import { test } from "../support/folder.js";
import { expectRefused } from "../support/refused.js";

describe("refused are", () => {
  const policies: [policy: string, says: RegExp][] = [
    ["One-Group", /One-Group/],
    ["one-group,per-member", /one-group,per-member/],
    ["one-group:x", /one-group:x/],
    ["zero-only:", /zero-only:/],
    ["__proto__:x", /unknown policy __proto__:x/],
    ["by:", /by:/],
    ["opt-in", /opt-in/],
    ["opt-in:", /opt-in:/],
    ["opt-in:no-such", /label no-such/],
    ["esx-salting", /esx-salting/],
    ["esx-salting:", /esx-salting:/],
    ["similar", /similar/],
    ["similar:", /similar:/],
    ["similar:-1", /similar:-1/],
    ["similar:1.5", /similar:1\.5/],
    ["similar:two", /similar:two/],
    ["best:", /best:/],
    ["best:1e1", /best:1e1/],
    ["best:4", /3 members.* too few for 4 groups/],
    ["groups", /groups/],
    ["groups:", /groups:/],
    ["groups:sub", /sub: is a folder/],
    ["groups:empty.csv", /empty\.csv/],
    ["groups:labels.csv", /labels\.csv.*no group/],
    ["groups:no-member.csv", /no-member\.csv.*no member/],
    ["groups:more-columns.csv", /more-columns\.csv/],
    ["groups:a.raw", /a\.raw/],
    ["private", /private/],
    ["private:", /private:/],
    ["private:private.csv,", /unknown policy/],
    ["private:,one-group", /FILE,POLICY/],
    ["private:private.csv,no-such", /no-such/],
    ["private:private.csv,similar:3", /too few for 3 groups/],
    ["private:private.csv,best", /best/],
    ["private:empty.csv,one-group", /empty\.csv/],
    ["private:no-member.csv,one-group", /no-member\.csv.*no member/],
    ["private:a.raw,one-group", /a\.raw/],
  ];

  test.for(policies)("--policy %s", async ([policy, says], { folder }) => {
    await expectPolicyRefused(folder, policy, says);
  });

  const wrong: [args: string[], says: RegExp][] = [
    [["--policy="], /policy/],
    [["--policy", "one-group", "--policy"], /policy/],
    [["--no-policy"], /policy/],
    [["--no-add"], /add/],
    [["--together"], /together/],
    [["--apart", "--quiet"], /apart/],
    [["--max-group"], /max-group/],
    [["--max-page-sharing"], /max-page-sharing/],
    [["--tenant-label"], /tenant-label/],
    [["--entitlement"], /entitlement/],
    [["--no-entitlement"], /entitlement/],
    [["--entitlement", "shapley", "--entitlement", "proportional"], /--entitlement is given twice/],
    [["--tenant-label", "tenant", "--tenant-label", "customer"], /--tenant-label is given twice/],
    [["--add", "a", "--add", "b", "--add=a"], /--add.*a/],
    [["--tenant", "red"], /tenant/],
    [["--add", "a,b"], /--add names unknown member a,b; did you mean a\?/],
    [["--policy=best", "--max-group=-1"], /--max-group -1/],
    [["--policy=best", "--max-group", "1.5"], /--max-group 1\.5/],
    [["--policy=best", "--max-group", "many"], /--max-group many/],
    [["--policy=similar:1", "--max-group", "2"], /--max-group/],
    [["--policy=best:2", "--apart", "a"], /--apart a names one member/],
    [["--policy=best:2", "--apart", "a,,b"], /--apart/],
    [["--policy=best:2", "--together", "a,a"], /--together.*a/],
    [["--policy=best:2", "--apart", "a,a"], /--?apart.*a|a.*apart/],
    [["--policy=similar:2", "--together=a,b", "--together=b,c", "--apart=a,c"], /together and apart/],
    [["--policy=best:2", "--together", "a,b,c"], /--together/],
    [["--policy=similar:2", "--together", "a,b,c"], /--together/],
    [["--policy=similar:2", "--apart", "a,b,c"], /--apart/],
    [["--max-page-sharing", "0"], /--max-page-sharing 0/],
    [["--max-page-sharing=-2"], /--max-page-sharing -2/],
    [["--max-page-sharing", "2.5"], /--max-page-sharing 2\.5/],
  ];

  test.for(wrong)("%s", async ([args, says], { folder }) => {
    writeCompared(folder);
    await expectRefused(folder, ["compare", ...SOURCES, "--inventory", "labels.csv", ...args], [says]);
  });
});
