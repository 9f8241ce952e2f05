// `npm run readme`: writes into README.md what the code knows better.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engines } from "../../shared/engines/engines.ts";
import { ROOT } from "../platform/bundle.ts";
import { abilitiesTable, withAbilities } from "./abilities.ts";

const path = join(ROOT, "README.md");
writeFileSync(path, withAbilities(readFileSync(path, "utf8"), abilitiesTable(engines)));
