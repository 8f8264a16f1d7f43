export { PagekinError } from "./errors.js";
export { VERSION } from "./version.js";
