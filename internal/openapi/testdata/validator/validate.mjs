// Prints, as JSON, what is wrong with each OpenAPI document named: by OpenAPI's own schema; references that lead
// nowhere; schemas that are none by JSON Schema 2020-12; operations that share a name; paths whose parameters are not
// those that they say they have.
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const validator = new Validator();
const result = {};
for (const file of process.argv.slice(2)) {
	const text = readFileSync(file, "utf8");
	const wrong = (result[file] = []);
	const res = await validator.validate(text);
	if (!res.valid) {
		wrong.push(...[res.errors].flat().map((e) => JSON.stringify(e)));
		continue;
	}
	if (validator.version !== "3.1") wrong.push(`it is OpenAPI ${validator.version}`);
	const doc = JSON.parse(text);
	const ajv = new Ajv2020({ strict: false, allErrors: true });
	addFormats.default(ajv);
	ajv.addSchema({ $id: "https://document.example/", components: { schemas: doc.components.schemas } });
	for (const [name, schema] of Object.entries(doc.components.schemas ?? {})) {
		try {
			ajv.validateSchema(schema, true);
			ajv.compile({ $ref: `https://document.example/#/components/schemas/${name}` });
		} catch (e) {
			wrong.push(`${name}: ${e.message}`);
		}
	}
	const ids = new Set();
	const shapes = new Set();
	for (const [path, item] of Object.entries(doc.paths)) {
		const shape = path.replace(/\{[^}]*\}/g, "{}");
		if (shapes.has(shape)) wrong.push(`${path} is there twice`);
		shapes.add(shape);
		const named = [...path.matchAll(/\{([^}]*)\}/g)].map((m) => m[1]).sort();
		const given = (item.parameters ?? []).filter((p) => p.in === "path" && p.required).map((p) => p.name).sort();
		if (named.join() !== given.join()) wrong.push(`${path} has the parameters ${given}`);
		for (const [method, operation] of Object.entries(item)) {
			if (method === "parameters") continue;
			if (!operation.operationId) wrong.push(`${method} ${path} has no operationId`);
			if (ids.has(operation.operationId)) wrong.push(`${operation.operationId} is there twice`);
			ids.add(operation.operationId);
			for (const scheme of operation.security.flatMap((s) => Object.keys(s))) {
				if (!doc.components.securitySchemes?.[scheme]) wrong.push(`${method} ${path}: no scheme ${scheme}`);
			}
		}
	}
}
console.log(JSON.stringify(result));
