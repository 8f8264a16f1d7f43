// ksmd: the scan of pages, the unstable and the stable tree of each group, and what writes and exits do to them.

export { layScanner, setRules } from "./scanner/records";
export {
  dropPage,
  enterMember,
  exitMember,
  isEmpty,
  isGone,
  shareOf,
  startGroup,
  unmergeMember,
  writePage,
} from "./scanner/members";
export { scanBatch } from "./scanner/scan";
