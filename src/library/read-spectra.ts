import { PagekinError } from "../errors.js";
import { closeSource, isSeekable, lookAt, placeOf } from "../sources/source.js";
import type { Spectrum } from "../spectrum/spectrum.js";
import { Inputs } from "../system/inputs.js";
import { type CallOptions, inCall } from "./call.js";
import { checkArgument, checkOptions, type Kinds, SIGNAL, TEXT } from "./check.js";

const CALL_KINDS: Kinds<CallOptions> = { signal: SIGNAL };

/** The spectra that a spectrum.parquet holds. */
export async function readSpectra(path: string, options: CallOptions = {}): Promise<Spectrum[]> {
  checkArgument("readSpectra", "the first argument", path, { ...TEXT, what: "the path of a spectrum.parquet" });
  checkOptions("readSpectra", options, CALL_KINDS);
  return inCall(options, async () => {
    const inputs = new Inputs();
    const [source, { readSpectrum }] = await Promise.all([lookAt({ path }, inputs), import("../spectrum/read.js")]);
    try {
      const saved = isSeekable(source) ? await readSpectrum(placeOf(source)) : undefined;
      await inputs.refuseChanged();
      if (saved) return saved.spectra;
    } finally {
      closeSource(source);
    }
    throw new PagekinError("not a saved spectrum", { file: path, hint: "pagekin analyze and compare write one" });
  });
}
