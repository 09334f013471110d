// Copies the executable of `make binary` into the package, for the system that it was built for. One of
// another system, such as from the workflow that builds them, is put beside it by hand.
import { cpSync, existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = here("../../../dist/s2mock");
const place = here(`../executable/${process.platform}-${process.arch}`);

if (!existsSync(`${built}/s2mock`)) {
  console.error(`there is no executable in ${built}: run \`make binary\` in the checkout first`);
  process.exit(1);
}
rmSync(place, { recursive: true, force: true });
// npm packs no symbolic links, so files take their place.
cpSync(built, place, { recursive: true, dereference: true });
