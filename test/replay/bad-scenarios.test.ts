// Scenarios that are wrong: one line that says where (line and column, or the file that is wrong) and what is expected.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { expectRefused, expectScenarioRefused } from "../support/refused.js";
import { writeMember } from "../support/replayed.js";

const CACHED = "kind: cached-random-read";
const FINGERPRINT = "1".repeat(32);

/** Files that scenarios name: all in a folder of their own, from which pagekin does not run. */
const FILES: Record<string, string> = {
  "inv.csv": "path,member,tenant\na.csv,a,red\nb.csv,b,blue\n",
  "noon.csv": "path,member,time_s\na.csv,a,0\nb.csv,b,noon\n",
  "twice.csv": "member,group\na,x\nb,y\na,y\n",
  "one.csv": "member,group\na,x\n",
  "name.csv": "name,group\na,x\n",
  "empty.csv": "",
  "u-member.csv": "time_s,vm,muv_bytes,mup_bytes,muh_rate\n0,a,1,2,0.5\n1,zz,1,2,0.5\n",
  "u-time.csv": "time_s,vm,muv_bytes,mup_bytes,muh_rate\n0,a,1,2,0.5\n1s,a,1,2,0.5\n",
  "u-bytes.csv": "time_s,vm,muv_bytes,mup_bytes,muh_rate\n0,a,-1,2,0.5\n",
  "u-rate.csv": "time_s,vm,muv_bytes,mup_bytes,muh_rate\n0,a,1,2,80\n",
  "u-bytes-column.csv": "time_s,vm,mup_bytes,muh_rate\n0,a,1,0.5\n",
  "u-columns.csv": "time_s,vm,muv_bytes,mup_bytes\n0,a,1,2\n",
  "e-member.csv": `time_s,member,event,page,fingerprint\n0,a,write,0,${FINGERPRINT}\n1,zz,exit,,\n`,
  "e-event.csv": "time_s,member,event,page,fingerprint\n0,a,wrote,0,\n",
  "e-fingerprint.csv": "time_s,member,event,page,fingerprint\n0,a,write,0,123\n",
  "e-page.csv": `time_s,member,event,page,fingerprint\n0,a,write,-1,${FINGERPRINT}\n`,
  "e-large.csv": `time_s,member,event,page,fingerprint\n0,a,write,99999999999999999999,${FINGERPRINT}\n`,
  "e-time.csv": "time_s,member,event,page,fingerprint\n0,a,drop,0,\n-5,a,exit,,\n",
  "e-columns.csv": "time_s,member,event\n1,a,drop\n",
  "c-ratio.csv": "memory_bytes,miss_ratio\n1000,0.5\n2000,1.5\n",
  "c-memory.csv": "memory_bytes,miss_ratio\nmuch,0.5\n",
  "c-columns.csv": "memory,miss\n1,0.5\n",
  "c-twice.csv": "memory_bytes,miss_ratio\n1000,0.5\n2000,0.2\n1000,0.4\n",
};

/** What a scenario says besides its sources, the first line; where, and what is said. */
type Wrong = [what: string, text: string, line: number, column: number, says: RegExp];

const SOURCES = "sources: [a=a.csv, b=b.csv]\n";

/** Ten lists of ten of the one before: a text of some bytes that would be ten thousand million values. */
const BOMB = Array.from({ length: 10 }, (_, i) =>
  i === 0 ? "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n" : `l${i}: &l${i} [${`*l${i - 1}, `.repeat(10)}]\n`,
).join("");

const KEYS: Wrong[] = [
  ["a key that does not exist", "untill: 1s\n", 2, 1, /unknown key untill/],
  ["one of scanner", "scanner:\n  pages: 1\n", 3, 3, /unknown key pages/],
  ["one of a group", "groups:\n  all: {speed: 1}\n", 3, 9, /unknown key speed/],
  ["one of a member", "members:\n  a: {mem: 1m}\n", 3, 7, /unknown key mem/],
  ["one of a workload", `members:\n  a:\n    workload: {${CACHED}, size: 1m}\n`, 4, 42, /unknown key size/],
  ["one of host", "host: {memory: 1g, mem: 2}\n", 2, 20, /unknown key mem/],
  ["one of controller", "controller: {kind: reclaim-rate, evry: 1s}\n", 2, 34, /unknown key evry/],
  ["one of redistribute", "redistribute:\n  kind: equal\n  evry: 1s\n", 4, 3, /unknown key evry/],
  ["one of cost", "cost: {visit: 1}\n", 2, 8, /unknown key visit/],
  ["one of regroup", "regroup: {policy: one-group, every: 1s, x: 1}\n", 2, 41, /unknown key x/],
  ["one of a step", "schedule:\n  - {at: 1s, group: all, speed: 3}\n", 3, 26, /unknown key speed/],
  ["a move with a weight", "schedule:\n  - {at: 1s, member: a, group: all, weight: 1}\n", 3, 37, /unknown key weight/],
  ["a host without memory", "host: {other: 1g}\n", 2, 7, /host: memory is missing/],
  ["a controller without a kind", "controller: {every: 1s}\n", 2, 13, /: fixed, semma, .+ is expected/],
  ["a regrouping without a period", "regroup: {policy: one-group}\n", 2, 10, /regroup: every is missing/],
  ["a step that does nothing", "schedule:\n  - {at: 1s, group: all}\n", 3, 5, /pages_to_scan or weight is missing/],
];

const VALUES: Wrong[] = [
  ["a time that is none", "until: banana\n", 2, 8, /a time such as 400s, N passes or rest is expected/],
  ["a negative end", "until: -1s\n", 2, 8, /a time such as 400s/],
  ["a negative number as the end", "until: -5\n", 2, 8, /a time such as 400s/],
  ["passes misspelt", "until: 3 pases\n", 2, 8, /N passes/],
  ["an end that is a list", "until: [1s]\n", 2, 8, /a time, N passes or rest/],
  ["an end that is nothing", "until:\nseed: 1\n", 2, 7, /a time, N passes or rest/],
  ["samples all the time", "sample: 0s\n", 2, 9, /above 0/],
  ["samples in negative time", "sample: -1s\n", 2, 9, /a time is expected/],
  ["a page size that is no power of two", "page_size: 3k\n", 2, 12, /a power of two from 1k to 2m/],
  ["a page size that is too large", "page_size: 4m\n", 2, 12, /a power of two from 1k to 2m/],
  ["a page size in words", "page_size: big\n", 2, 12, /a size is expected/],
  ["changes that are unknown", "changes: sometimes\n", 2, 10, /at-snapshot or spread/],
  ["a negative seed", "seed: -1\n", 2, 7, /a whole number from 0/],
  ["a seed with a part", "seed: 1.5\n", 2, 7, /a whole number from 0/],
  ["a scanner that is a list", "scanner: [1]\n", 2, 10, /scanner: expected a mapping, not a list/],
  ["a scanner that is a word", "scanner: fast\n", 2, 10, /scanner: expected a mapping/],
  ["a scanner that is nothing", "scanner:\nseed: 1\n", 2, 9, /scanner: expected a mapping/],
  [
    "rules of no kernel",
    "scanner: {rules: linux-5}\n",
    2,
    18,
    /linux-2\.6\.36, linux-3\.6, linux-6\.1, linux-6\.11, off/,
  ],
  ["two threads", "scanner: {threads: two}\n", 2, 20, /per-group or one/],
  ["negative pages", "scanner:\n  sleep_millisecs: 5\n  pages_to_scan: -1\n", 4, 18, /a whole number from 0/],
  ["pages in words", "scanner: {pages_to_scan: many}\n", 2, 26, /a whole number from 0/],
  ["frames of one page", "scanner: {max_page_sharing: 1}\n", 2, 29, /a whole number from 2/],
  ["a flag of 2", "scanner: {use_zero_pages: 2}\n", 2, 27, /true or false/],
  ["trees for each NUMA node", "scanner: {merge_across_nodes: 0}\n", 2, 31, /1 is expected: NUMA/],
  ["a weight above 10", "scanner: {threads: one}\ngroups: {all: {weight: 11}}\n", 3, 24, /a weight from 0 to 10/],
  ["a weight below 0", "groups: {all: {weight: -0.5}}\n", 2, 24, /a weight from 0 to 10/],
  ["a weight above 10 in a step", "schedule:\n  - {at: 1s, group: all, weight: 11}\n", 3, 34, /a weight from 0 to 10/],
  ["a step at no time", "schedule:\n  - {at: soon, group: all, weight: 1}\n", 3, 10, /schedule\.0\.at: a time/],
  ["a step that is a word", "schedule:\n  - faster\n", 3, 5, /schedule\.0: expected a mapping/],
  ["a schedule that is one step", "schedule: {at: 1s, group: all, weight: 1}\n", 2, 11, /schedule: expected a list/],
  ["a member that is a size", "members: {a: 5m}\n", 2, 14, /members\.a: expected a mapping/],
  ["memory in words", "members: {a: {memory: big}}\n", 2, 23, /a size is expected/],
  ["a host without any memory", "host: {memory: 0}\n", 2, 16, /a size above 0/],
  ["a controller that is unknown", "controller: fast\n", 2, 13, /: fixed, semma, .+ is expected/],
  ["a controller that is a number", "controller: 5\n", 2, 13, /: fixed, semma, .+ is expected/],
  ["thresholds in the wrong order", "host: {memory: 1g}\ncontroller: {kind: semma, ur: [0.9, 0.1]}\n", 3, 31, /lower/],
  ["one threshold", "host: {memory: 1g}\ncontroller: {kind: semma, muh: 0.5}\n", 3, 32, /two numbers/],
  ["decisions all the time", "controller: {kind: reclaim-rate, every: 0}\n", 2, 41, /above 0/],
  [
    "a greatest speed below the least",
    "controller: {kind: reclaim-rate, scan_min: 500, scan_max: 100}\n",
    2,
    59,
    /below/,
  ],
  ["a redistribution that is unknown", "redistribute: fairly\n", 2, 15, /: none, equal, .+ is expected/],
  ["a negative price", "cost: {visit_us: -1}\n", 2, 18, /a number from 0/],
  ["a price in words", "cost: {visit_us: cheap}\n", 2, 18, /a number is expected/],
  ["a price without an end", "cost: {visit_us: .inf}\n", 2, 18, /a number is expected/],
  [
    "a workload that is unknown",
    "members: {a: {workload: {kind: web, working_set: 1m}}}\n",
    2,
    32,
    /cached-random-read/,
  ],
  ["a working set of nothing", `members: {a: {workload: {${CACHED}, working_set: 0}}}\n`, 2, 65, /above 0/],
  ["hits that take no time", `members: {a: {workload: {${CACHED}, working_set: 1, hit_us: 0}}}\n`, 2, 76, /above 0/],
];

const TOGETHER: Wrong[] = [
  ["advice with one thread", "scanner: {threads: one}\ncontroller: advisor\n", 3, 13, /set threads: per-group/],
  [
    "the same by the kernel's name",
    "scanner: {threads: one, advisor_mode: scan-time}\n",
    2,
    39,
    /set threads: per-group/,
  ],
  [
    "advice beside another controller",
    "host: {memory: 1g}\nscanner: {advisor_mode: scan-time}\ncontroller: ksmtuned\n",
    3,
    25,
    /set by ksmtuned already/,
  ],
  ["advice and a speed", "controller: advisor\ngroups: {all: {pages_to_scan: 5}}\n", 3, 31, /set by the advisor/],
  [
    "a group's own pages with one thread",
    "scanner: {threads: one}\ngroups:\n  all: {pages_to_scan: 5}\n",
    4,
    24,
    /weight/,
  ],
  [
    "a step's pages with one thread",
    "scanner: {threads: one}\nschedule:\n  - {at: 1s, group: all, pages_to_scan: 5}\n",
    4,
    41,
    /weight/,
  ],
  [
    "smart_scan before it was there",
    "scanner:\n  rules: linux-3.6\n  smart_scan: true\n",
    4,
    15,
    /linux-3\.6 has no smart_scan/,
  ],
  [
    "zero pages before they were there",
    "scanner: {rules: linux-2.6.36, use_zero_pages: false}\n",
    2,
    48,
    /has no use_zero_pages/,
  ],
  ["ksmtuned without a host", "controller: ksmtuned\n", 2, 13, /give host: \{memory: 8g\}/],
  ["semma with neither host nor usage", "controller:\n  kind: semma\n", 3, 3, /give host or usage/],
  ["a workload of no memory", `members:\n  a:\n    workload: {${CACHED}}\n`, 4, 15, /give one of them/],
  [
    "a workload of two kinds of memory",
    `members:\n  a:\n    workload: {${CACHED}, working_set: 1m, curve: c-ratio.csv}\n`,
    4,
    15,
    /give one of them/,
  ],
  [
    "a baseline that is no run",
    `members:\n  a:\n    workload:\n      ${CACHED}\n      working_set: 1m\n      baseline: alone\n`,
    7,
    17,
    /unknown run alone; there are main/,
  ],
  [
    "a baseline in which the member has no workload",
    `runs:\n  r1: {}\n  r2:\n    members: {a: {workload: {${CACHED}, working_set: 1m, baseline: r1}}}\n`,
    5,
    83,
    /no workload in the run r1/,
  ],
];

const NAMES: Wrong[] = [
  [
    "settings of a member that is not there",
    "members: {zz: {memory: 1m}}\n",
    2,
    15,
    /unknown member zz; there are a, b/,
  ],
  ["a move of one", "schedule:\n  - {at: 1s, member: zz, group: all}\n", 3, 22, /unknown member zz/],
  ["a group that the policy does not make", "groups: {red: {weight: 1}}\n", 2, 15, /no group red; there are all/],
  ["a step for one", "schedule:\n  - {at: 1s, group: red, weight: 1}\n", 3, 21, /no group red; there are all/],
  ["a policy that is unknown", "policy: by-tenant\n", 2, 9, /unknown policy by-tenant; policies are one-group/],
  ["a policy that is a number", "policy: 5\n", 2, 9, /a policy is expected/],
  ["a policy that is no grouping", "policy: zero-only\n", 2, 9, /zero-only is not a grouping; .*use_zero_pages: true/],
  ["a label that nobody has", "policy: by:tenant\n", 2, 9, /no member has a label tenant/],
  ["more groups than members", "policy: similar:9\n", 2, 9, /too few for 9 groups/],
  ["regrouping by an unknown policy", "regroup:\n  every: 1s\n  policy: nope\n", 4, 11, /unknown policy nope/],
  ["regrouping by what is no grouping", "regroup: {policy: zero-only, every: 1s}\n", 2, 19, /not a grouping/],
  [
    "regrouping into more groups than members",
    "regroup: {policy: similar:9, every: 1s}\n",
    2,
    19,
    /too few for 9 groups/,
  ],
];

const RUNS: Wrong[] = [
  ["sources that vary", "vary: {sources: [[a=a.csv]]}\n", 2, 8, /sources is the same for all runs/],
  ["a run of other page sizes", "runs:\n  x: {page_size: 8k}\n", 3, 7, /page_size is the same for all runs/],
  ["both vary and runs", "vary: {seed: [1, 2]}\nruns: {x: {seed: 1}}\n", 3, 1, /cannot stand together/],
  ["a value that is no list", "vary: {seed: 1}\n", 2, 14, /a list of values/],
  ["a list of no values", "vary: {seed: []}\n", 2, 14, /a list of values/],
  ["a vary that is a list", "vary: [seed]\n", 2, 7, /vary: expected a mapping/],
  ["a vary that is nothing", "vary:\nseed: 1\n", 2, 6, /vary: expected a mapping/],
  ["a value that varies and is wrong", "vary:\n  seed: [1, -2]\n", 3, 13, /seed: a whole number from 0/],
  [
    "one behind a dotted path",
    "vary:\n  scanner.pages_to_scan: [100, many]\n",
    3,
    32,
    /scanner\.pages_to_scan: a whole number/,
  ],
  ["a value twice", "vary: {seed: [1, 2, 1]}\n", 2, 21, /1 appears twice/],
  ["a key that varies and does not exist", "vary:\n  sed: [1]\n", 3, 9, /unknown key sed/],
  ["one behind a dotted path that does not", "vary:\n  scanner.pages: [100]\n", 3, 19, /unknown key pages/],
  ["a key that only a program would name", "vary: {__proto__.x: [1]}\n", 2, 22, /unknown key __proto__/],
  [
    "a policy that varies and is unknown",
    "vary:\n  policy:\n    - one-group\n    - by-tenant\n",
    5,
    7,
    /unknown policy by-tenant/,
  ],
  ["a group that varies and is not there", "vary:\n  groups.red.weight: [1, 2]\n", 3, 23, /no group red/],
  ["a controller that varies and lacks its host", "vary:\n  controller: [fixed, semma]\n", 3, 23, /give host or usage/],
  [
    "a setting of a controller in its short form",
    "controller: reclaim-rate\nvary:\n  controller.every: [1s, 0s]\n",
    4,
    26,
    /above 0/,
  ],
  ["a run that is wrong", "runs:\n  x: {seed: 1}\n  y: {seed: -1}\n", 4, 13, /seed: a whole number from 0/],
  [
    "one that is wrong inside",
    "runs:\n  x: {scanner: {pages_to_scan: 1, rules: linux-9}}\n",
    3,
    42,
    /scanner\.rules: one of/,
  ],
  ["one with an unknown key", "runs:\n  x: {sed: 1}\n", 3, 7, /unknown key sed/],
  [
    "one whose keys do not fit",
    "scanner: {threads: one}\nruns:\n  x: {groups: {all: {pages_to_scan: 1}}}\n",
    4,
    37,
    /weight/,
  ],
  [
    "one whose policy has no label",
    "runs:\n  x: {policy: one-group}\n  y:\n    policy: by:os\n",
    5,
    13,
    /no member has a label os/,
  ],
  ["one that names a group that is not there", "runs:\n  x: {groups: {red: {weight: 1}}}\n", 3, 21, /no group red/],
  ["one that is nothing", "runs:\n  x:\n  y: {}\n", 3, 5, /runs\.x: expected a mapping/],
  ["runs that are a list", "runs: [x]\n", 2, 7, /runs: expected a mapping/],
  ["no runs at all", "runs: {}\n", 2, 7, /a run is expected/],
];

/** The whole text of the scenario. */
const TEXTS: [what: string, text: string | Uint8Array, line: number, column: number, says: RegExp][] = [
  ["an empty file", "", 1, 1, /no input given; give sources, or an inventory/],
  ["a comment", "# nothing yet\n", 1, 1, /no input given/],
  ["no sources", "until: 1s\n", 1, 1, /no input given/],
  ["a list of no sources", "until: 1s\nsources: []\n", 2, 10, /no input given/],
  ["a source that is no list", "sources: a.csv\n", 1, 10, /sources: expected a list/],
  ["a source that is a number", "sources: [a.csv, 5]\n", 1, 18, /a source is expected/],
  ["a source at no time", "sources:\n  - a.csv\n  - b@x=b.csv\n", 3, 5, /no time in seconds/],
  ["a source before all time", "sources: [a@-1=a.csv]\n", 1, 11, /no time in seconds/],
  [
    "snapshots out of order",
    "sources:\n  - a@5=a.csv\n  - b@0=b.csv\n  - a@3=b.csv\n",
    4,
    5,
    /list snapshots in the order of time/,
  ],
  ["an inventory that is a list", "inventory: [inv.csv]\n", 1, 12, /a file is expected/],
  ["a label that the inventory does not have", "inventory: inv.csv\npolicy: by:os\n", 2, 9, /there are tenant/],
  ["a list", "- a\n- b\n", 1, 1, /expected a mapping: a scenario is a YAML file/],
  ["a word", "hello\n", 1, 1, /expected a mapping: a scenario is a YAML file/],
  ["an open bracket", "sources: [a=a.csv\nuntil: 1s\n", 2, 1, /not valid YAML/],
  ["a tab", "sources:\n\t- a.csv\n", 2, 1, /not valid YAML: Tabs/],
  ["a key twice", `${SOURCES}until: 1s\nuntil: 2s\n`, 3, 1, /duplicate key/],
  ["a key twice further in", `${SOURCES}scanner:\n  run: 1\n  run: 0\n`, 4, 3, /duplicate key/],
  ["an alias of nothing", `${SOURCES}policy: *grouping\n`, 2, 9, /there is no &grouping before/],
  ["an alias within its own anchor", `${SOURCES}runs: &all\n  first: {seed: *all}\n`, 3, 17, /&all contains itself/],
  ["aliases that explode", BOMB, 1, 1, /Excessive alias count/],
  ["two documents", `${SOURCES}---\nuntil: 1s\n`, 2, 1, /several YAML documents, one is expected/],
  ["zeros", new Uint8Array(64), 1, 1, /expected a mapping: a scenario is a YAML file/],
  [
    "bytes that are no text",
    Uint8Array.from({ length: 256 }, (_, i) => 255 - i),
    1,
    1,
    /not valid YAML|expected a mapping/,
  ],
];

/** The file that is wrong, with its line where it has one. */
const IN_FILES: [what: string, text: string, file: RegExp, says: RegExp][] = [
  ["a source that is not there", "sources: [a=none.csv]\n", /none\.csv/, /no such file/],
  ["a member twice at one time", "sources: [a=a.csv, a=b.csv]\n", /b\.csv/, /member a appears twice/],
  [
    "pages of other sizes",
    `${SOURCES}page_size: 8k\n`,
    /a\.csv/,
    /no pages of 8192 bytes; it has 4096: choose from these$/m,
  ],
  ["an inventory that is not there", "inventory: none.csv\n", /none\.csv/, /no such file/],
  ["an inventory with a time that is none", "inventory: noon.csv\n", /noon\.csv: line 3/, /noon/],
  ["groups that overlap", `${SOURCES}policy: groups:twice.csv\n`, /twice\.csv: line 4/, /member a is named twice/],
  ["groups that leave a member out", `${SOURCES}policy: groups:one.csv\n`, /one\.csv/, /no group for member b/],
  ["groups without their columns", `${SOURCES}policy: groups:name.csv\n`, /name\.csv: line 2/, /no member is given/],
  ["groups that are not there", `${SOURCES}policy: groups:none.csv\n`, /none\.csv/, /no such file/],
  [
    "groups of a regrouping that overlap",
    `${SOURCES}regroup: {policy: "groups:twice.csv", every: 1s}\n`,
    /twice\.csv: line 4/,
    /twice/,
  ],
  ["usage of an unknown member", `${SOURCES}usage: u-member.csv\n`, /u-member\.csv: line 3/, /unknown member zz/],
  ["usage at no time", `${SOURCES}usage: u-time.csv\n`, /u-time\.csv: line 3/, /time_s is "1s"/],
  ["usage of negative bytes", `${SOURCES}usage: u-bytes.csv\n`, /u-bytes\.csv: line 2/, /muv_bytes is "-1"/],
  [
    "usage in per cent",
    `${SOURCES}usage: u-rate.csv\n`,
    /u-rate\.csv: line 2/,
    /muh_rate is "80"; give a part from 0 to 1/,
  ],
  ["usage without a column", `${SOURCES}usage: u-columns.csv\n`, /u-columns\.csv: line 2/, /no muh_rate/],
  [
    "usage without a column of bytes",
    `${SOURCES}usage: u-bytes-column.csv\n`,
    /u-bytes-column\.csv: line 2/,
    /no muv_bytes is given/,
  ],
  ["usage of an empty file", `${SOURCES}usage: empty.csv\n`, /empty\.csv/, /no rows/],
  ["events of an unknown member", `${SOURCES}events: e-member.csv\n`, /e-member\.csv: line 3/, /unknown member zz/],
  ["an unknown event", `${SOURCES}events: e-event.csv\n`, /e-event\.csv: line 2/, /write, drop, exit, unmerge/],
  [
    "a fingerprint of half a byte",
    `${SOURCES}events: e-fingerprint.csv\n`,
    /e-fingerprint\.csv: line 2/,
    /1 to 16 bytes in hex/,
  ],
  ["a negative page", `${SOURCES}events: e-page.csv\n`, /e-page\.csv: line 2/, /give a page number/],
  ["a page that no machine has", `${SOURCES}events: e-large.csv\n`, /e-large\.csv: line 2/, /give a page number/],
  ["an event before all time", `${SOURCES}events: e-time.csv\n`, /e-time\.csv: line 3/, /time_s is "-5"/],
  ["a drop of no page", `${SOURCES}events: e-columns.csv\n`, /e-columns\.csv: line 2/, /give a page number/],
  ["events that are not there", `${SOURCES}events: none.csv\n`, /none\.csv/, /no such file/],
  ["a miss ratio above 1", curve("c-ratio.csv"), /c-ratio\.csv: line 3/, /a part from 0 to 1/],
  ["memory of a curve in words", curve("c-memory.csv"), /c-memory\.csv: line 2/, /memory_bytes is "much"/],
  ["a curve without its columns", curve("c-columns.csv"), /c-columns\.csv: line 2/, /memory_bytes, miss_ratio/],
  ["a curve with two values at one place", curve("c-twice.csv"), /c-twice\.csv: line 4/, /1000 appears twice/],
  [
    "a curve in a run",
    `${SOURCES}runs: {x: {members: {a: {workload: {${CACHED}, curve: none.csv}}}}}\n`,
    /none\.csv/,
    /no such file/,
  ],
];

function curve(file: string): string {
  return `${SOURCES}members: {a: {workload: {${CACHED}, curve: ${file}}}}\n`;
}

/** Writes a scenario and all files into a folder; gives the scenario's name there. */
function write(folder: string, text: string | Uint8Array): string {
  const own = path.join(folder, "own");
  mkdirSync(own);
  writeMember(own, "a.csv", [1, 2, 0, 3]);
  writeMember(own, "b.csv", [1, 4, 0, 3]);
  for (const [name, content] of Object.entries(FILES)) writeFileSync(path.join(own, name), content);
  writeFileSync(path.join(own, "s.yaml"), text);
  return path.join("own", "s.yaml");
}

describe.each([
  ["keys", KEYS],
  ["values", VALUES],
  ["keys together", TOGETHER],
  ["names", NAMES],
  ["runs", RUNS],
])("%s:", (_, table) => {
  test.for(table)("%s", async ([, text, line, column, says], { folder }) => {
    const place = new RegExp(`^own/s\\.yaml: line ${line}, column ${column}: `);
    await expectScenarioRefused(folder, write(folder, `${SOURCES}${text}`), [place, says]);
  });
});

describe("texts:", () => {
  test.for(TEXTS)("%s", async ([, text, line, column, says], { folder }) => {
    await expectScenarioRefused(folder, write(folder, text), [
      new RegExp(`^own/s\\.yaml: line ${line}, column ${column}: `),
      says,
    ]);
  });
});

describe("files:", () => {
  test.for(IN_FILES)("%s", async ([, text, file, says], { folder }) => {
    const place = new RegExp(`^${path.join(folder, "own")}/${file.source}: `);
    await expectScenarioRefused(folder, write(folder, text), [place, says]);
  });
});

test("a scenario that is not there, a folder, two of them, none", async ({ folder }) => {
  mkdirSync(path.join(folder, "own"));
  await expectRefused(folder, ["replay", "none.yaml"], [/none\.yaml: no such file/]);
  await expectRefused(folder, ["replay", "own"], [/own: is not a regular file/]);
  await expectRefused(folder, ["replay", "a.yaml", "b.yaml"], [/several scenarios given/]);
  await expectRefused(folder, ["replay"], [/no scenario given/]);
});

test("what these scenarios have in common is right", async ({ folder }) => {
  await succeed(["replay", write(folder, `${SOURCES}until: 1s\n`), "--out", "out", "--quiet"], { cwd: folder });
});
