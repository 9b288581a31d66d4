// Copies what Portico serves from npm packages into the tree, with licences and a list of versions.
// Run by `npm run vendor`; the copies are committed, so that no request leaves a running site and nobody needs Node.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "node_modules");
const vendor = join(here, "..", "static", "vendor");
const icons = join(here, "..", "templates", "icons");

const FILES = {
  "@fontsource-variable/inter": ["inter", ["files/inter-latin-opsz-normal.woff2", "files/inter-latin-ext-opsz-normal.woff2", "LICENSE"]],
  "htmx.org": ["htmx", ["dist/htmx.min.js", "LICENSE"]],
  uplot: ["uplot", ["dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"]],
};

const versions = [];
rmSync(vendor, { recursive: true, force: true });
for (const [name, [folder, files]] of Object.entries(FILES)) {
  const manifest = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  mkdirSync(join(vendor, folder), { recursive: true });
  for (const file of files) cpSync(join(packages, name, file), join(vendor, folder, file.split("/").at(-1)));
  versions.push(`${folder}: ${name} ${manifest.version} (${manifest.license})`);
}

// Icons are included into pages, so each is one small SVG without its licence comment; the licence lies beside them.
const lucide = join(packages, "lucide-static");
const names = readFileSync(join(here, "icons.txt"), "utf8").split(/\s+/).filter(Boolean);
mkdirSync(icons, { recursive: true });
for (const old of readdirSync(icons)) rmSync(join(icons, old));
for (const name of names) {
  const svg = readFileSync(join(lucide, "icons", `${name}.svg`), "utf8");
  const body = svg.replace(/<!--.*?-->/gs, "").match(/<svg[^>]*>(.*)<\/svg>/s)[1].replace(/\s*\n\s*/g, "").trim();
  writeFileSync(join(icons, `${name}.svg`), `${body}\n`);
}
cpSync(join(lucide, "LICENSE"), join(icons, "LICENSE"));
const version = JSON.parse(readFileSync(join(lucide, "package.json"), "utf8"));
versions.push(`../../templates/icons: lucide-static ${version.version} (${version.license})`);
writeFileSync(join(vendor, "VERSIONS.txt"), versions.join("\n") + "\n");
