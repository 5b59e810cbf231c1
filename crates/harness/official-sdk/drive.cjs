// Drives a Public API with Segment's own SDK: node drive.cjs BASE_PATH SOURCE_ID, the token in TOKEN.
// Prints {"operations": [...]} when everything the SDK parsed is as it has to be.
"use strict";

const assert = require("node:assert/strict");
const sdk = require("@segment/public-api-sdk-typescript");

const [basePath, sourceId] = process.argv.slice(2);
const operations = [];

function api(Api) {
  const made = new Api(basePath);
  made.accessToken = process.env.TOKEN;
  return made;
}

const workspaces = api(sdk.WorkspacesApi);
const deletion = api(sdk.DeletionAndSuppressionApi);

async function call(target, name, ...args) {
  const { response, body } = await target[name](...args);
  assert.equal(response.statusCode, 200, name);
  assert.ok(body.data, `${name} has data`);
  operations.push(name);
  return body.data;
}

async function main() {
  const { workspace } = await call(workspaces, "getWorkspace");
  assert.equal(workspace.slug, "acme");
  assert.ok(workspace.id && workspace.name);

  const { regulateId } = await call(deletion, "createWorkspaceRegulation", {
    regulationType: "SUPPRESS_WITH_DELETE",
    subjectType: "USER_ID",
    subjectIds: ["sdk-1", "sdk-2"],
  });
  assert.ok(regulateId);
  const ofSource = await call(deletion, "createSourceRegulation", sourceId, {
    regulationType: "SUPPRESS_ONLY",
    subjectType: "USER_ID",
    subjectIds: ["sdk-3"],
  });
  assert.ok(ofSource.regulateId);
  const ofCloudSource = await call(deletion, "createCloudSourceRegulation", sourceId, {
    regulationType: "DELETE_ONLY",
    subjectType: "OBJECT_ID",
    subjectIds: ["object-1"],
    collection: "users",
  });
  assert.ok(ofCloudSource.regulateId);

  const { regulation } = await call(deletion, "getRegulation", regulateId);
  assert.equal(regulation.id, regulateId);
  assert.equal(regulation.overallStatus, "INITIALIZED");
  assert.ok(!Number.isNaN(Date.parse(regulation.createdAt)));
  assert.ok(Array.isArray(regulation.streamStatus));

  const page = { count: 10 };
  const all = await call(deletion, "listWorkspaceRegulations", page);
  assert.ok(all.pagination, "a list has pagination");
  const ours = all.regulations.find((one) => one.id === regulateId);
  assert.deepEqual([...ours.subjects].sort(), ["sdk-1", "sdk-2"]);
  assert.equal(ours.regulationType, "SUPPRESS_WITH_DELETE");
  const source = await call(deletion, "listRegulationsFromSource", sourceId, page);
  assert.ok(source.regulations.some((one) => one.id === ofSource.regulateId));

  const { suppressed } = await call(deletion, "listSuppressions", page);
  // Segment's example spells it userId, everything else USER_ID.
  const ofUsers = (one) => one.subjectType.replace("_", "").toLowerCase() === "userid";
  const users = suppressed.filter(ofUsers).flatMap((one) => one.subjectIds);
  assert.ok(users.includes("sdk-1") && users.includes("sdk-2"));

  console.log(JSON.stringify({ operations }));
}

main().catch((error) => {
  console.error(error.body ? JSON.stringify(error.body) : error);
  process.exitCode = 1;
});
