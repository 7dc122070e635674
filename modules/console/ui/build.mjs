// Makes the page of src: ../dist, which is committed and embedded in the binary. The same sources and the versions of
// package-lock.json give the same bytes.
import { build } from "esbuild";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const to = new URL("../dist/", import.meta.url);
await rm(to, { recursive: true, force: true });
await mkdir(to, { recursive: true });
await build({
  entryPoints: { app: "src/main.tsx" },
  outdir: to.pathname,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome120", "firefox120", "safari17"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none", // the licenses are beside it
  absWorkingDir: new URL(".", import.meta.url).pathname,
});
for (const file of ["index.html", "icon.svg"]) {
  await cp(new URL("src/" + file, import.meta.url), new URL(file, to));
}
let licenses = "The console's page contains these libraries.\n";
for (const name of ["preact", "uplot"]) {
  const folder = new URL("node_modules/" + name + "/", import.meta.url);
  const { version } = JSON.parse(await readFile(new URL("package.json", folder), "utf8"));
  licenses += `\n${name} ${version}\n\n${await readFile(new URL("LICENSE", folder), "utf8")}`;
}
await writeFile(new URL("licenses.txt", to), licenses.replaceAll("\r\n", "\n"));
