// Preloaded (node --import) into a process: says on stderr which flags of V8 are set in it.
import { syncBuiltinESMExports } from "node:module";
import v8 from "node:v8";

const { setFlagsFromString } = v8;
v8.setFlagsFromString = (flag) => {
  process.stderr.write(`flag ${flag}\n`);
  setFlagsFromString(flag);
};
syncBuiltinESMExports();
