// An actor in TypeScript's SDK: it appends if the stream is empty. With "guarded", its append has a
// condition. Its endpoints and its token are in the environment.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The folder in which the SDK is installed.
const [folder, name, how] = process.argv.slice(2);
const entry = createRequire(`${folder}/`).resolve("@s2-dev/streamstore");
const { AppendInput, AppendRecord, S2, S2Environment, SeqNumMismatchError } = (await import(pathToFileURL(entry))).default;

const s2 = new S2(S2Environment.parse());
const stream = s2.basin("shop-basin").stream("orders");
const { tail } = await stream.checkTail();
if (tail.seqNum === 0) {
  const condition = how === "guarded" ? { matchSeqNum: 0 } : {};
  try {
    await stream.append(AppendInput.create([AppendRecord.string({ body: name })], condition));
  } catch (error) {
    if (!(error instanceof SeqNumMismatchError)) throw error;
  }
}
await s2.close?.();
