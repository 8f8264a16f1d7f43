// Small valid files of each kind of text that pagekin reads. Together the scenarios have all keys.

const hex = (content: number) => content.toString(16).padStart(2, "0").repeat(16);

function trace(contents: readonly number[], pageBytes = 4096): string {
  return contents.map((content, page) => `${pageBytes},${page},${hex(content)},${content === 0}\n`).join("");
}

const HEADER = "page_bytes,page,fingerprint,zero\n";

/** By the names that scenarios have for them. */
export const CASES: Readonly<Record<string, string>> = {
  "a.csv": HEADER + trace([0, 1, 2, 3, 1, 1, 0, 0]),
  "a2.csv": HEADER + trace([0, 1, 5, 3, 1, 2, 0]),
  "b.csv": HEADER + trace([1, 2, 9, 0, 7, 7]),
  "c.csv": HEADER + trace([3, 3, 0, 8]),
  "short.csv":
    'member,time_s,page,page_bytes,fingerprint,zero\n"vm, 1",1.5,0,4096,ab,0\n"vm, 1",1.5,1,4096,AB00,1\n"vm, 1",1.5,4096,4096,abcdef,\n',
  "two-sizes.csv": `${HEADER}${trace([0, 1, 1], 1024)}${trace([0, 2], 4096)}`,
  "events.csv": `time_s,member,event,page,fingerprint\n0.1,a,write,2,${hex(1)}\n0.25,b,drop,3,\n0.3,a,write,9,${hex(0)}\n0.5,b,unmerge,,\n1,a,exit,,\n`,
  "more-events.csv": `member,event,time_s,page,fingerprint,note\r\n"a",write,0.01,0,${hex(17)},x\r\nb,write,0.01,0,ab,"y, z"\r\na,drop,0.6,0,,\r\n`,
  "usage.csv":
    "time_s,vm,muv_bytes,mup_bytes,muh_rate\n0,a,16384,32768,0.5\n0,b,8192,24576,0.5\n0.4,a,30000,32768,0.9\n0.5,b,,,0.95\n",
  "curve.csv": "memory_bytes,miss_ratio\n0,1\n16384,0.7\n40960,0.25\n65536,0\n",
  "inventory.csv":
    'path,member,time_s,tenant,os,agreed,salt\na.csv,a,0,red,linux,yes,\na2.csv,a,0.5,red,linux,yes,\nb.csv,b,0,blue,"plan 9, 4th",no,1\n',
  "labels.csv": "member,tenant,os\na,red,linux\nb,blue,bsd\nc,,linux\n",
  "groups.csv": "member,group\na,g\nb,h\nc,g\nelsewhere,h\n",
  "private.csv": 'member,pid\n"a",1\nc,2\n',
};

const SHORT_RUN = "until: 400ms\nsample: 100ms\n";

export const SCENARIOS: readonly string[] = [
  `sources: [a@0=a.csv, a@0.2=a2.csv, b=b.csv]
inventory: labels.csv
page_size: 4k
policy: by:tenant
until: 0.4s
sample: 0.1s
changes: spread
seed: 7
events: events.csv
scanner:
  rules: linux-6.11
  threads: per-group
  cpu: modelled
  run: 1
  pages_to_scan: 3
  sleep_millisecs: 20
  max_page_sharing: 4
  use_zero_pages: true
  smart_scan: false
  merge_across_nodes: 1
  stable_node_chains_prune_millisecs: 50
groups:
  red: {pages_to_scan: 9}
  blue: {pages_to_scan: 1}
schedule:
  - {at: 60ms, group: red, pages_to_scan: 5}
  - {at: 90ms, member: b, group: red}
regroup: {policy: "similar:2", every: 100ms}
cost: {visit_us: 0.39, skip_us: 0.28, checksum_us: 0.69, compare_us: 0.33, byte_ns: 0.11, merge_us: 1.6, cow_us: 1.0}
`,
  `sources: [a.csv, b.csv, c.csv]
policy: groups:groups.csv
until: 8 passes
sample: 100ms
scanner: {rules: linux-3.6, threads: one, pages_to_scan: 4}
groups: {g: {weight: 9}, h: {weight: 0.5}}
schedule: [{at: 0.1s, group: h, weight: 3}]
members:
  a: {memory: 64k, workload: {kind: cached-random-read, working_set: 100k, base: 4k, hit_us: 4, miss_us: 150}}
  b:
    workload: {kind: cached-random-read, curve: curve.csv}
redistribute: {kind: group, every: 100ms}
`,
  `inventory: inventory.csv
${SHORT_RUN}host: {memory: 100k, other: 6k}
usage: usage.csv
controller: {kind: semma, every: 100ms, per_vm: true, ur: [0.7, 0.8], muh: [0.6, 0.8], balloon_step: 8k, balloon_takes: highest, scan_step: 100, scan_min: 64, scan_max: 1250}
redistribute: entitlement
`,
  `sources: [a.csv, b.csv]
${SHORT_RUN}host: &host {memory: 100k}
controller: {kind: ksmtuned, every: 60ms, boost: 300, decay: 50, scan_min: 64, scan_max: 1250, sleep_millisecs: 10, thres_coef: 20, thres_const: 2k}
vary:
  policy: [one-group, per-member]
  scanner.pages_to_scan: [1, 100]
  controller.boost: [10, 300]
`,
  `sources: [a.csv, b.csv, c.csv]
inventory: labels.csv
${SHORT_RUN}controller: &slow
  kind: reclaim-rate
  every: 100ms
  pages_per_cpu_s: [1000, 10000]
  scan_step: 10
members: {a: {memory: 40k, workload: {kind: cached-random-read, working_set: 50k, baseline: first}}}
runs:
  first: {redistribute: equal, policy: "private:private.csv,per-member"}
  "second: one": {redistribute: {kind: none}, scanner: {rules: off}}
  third: {controller: *slow, scanner: {rules: linux-6.1, smart_scan: true}}
`,
  `# the kernel's own advisor
sources:
  - a.csv
  - "b.csv"
until: rest
sample: 1s
scanner: {rules: linux-6.11, advisor_mode: scan-time, advisor_target_scan_time: 200, advisor_max_cpu: 70, advisor_min_pages_to_scan: 5, advisor_max_pages_to_scan: 30000, cpu: modelled}
`,
];
