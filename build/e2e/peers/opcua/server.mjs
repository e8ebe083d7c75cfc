// An OPC UA server by other authors (node-opcua), as strict as a real PLC: Basic256Sha256 with SignAndEncrypt only,
// user and password only. It prints one line of JSON once it listens, and then does what it is told on its standard
// input, one command to a line, answering each with "ok":
//
//   set <name> <number>           gives a variable a value
//   status <name> <StatusCode>    gives it a status
//   add <name> <number>           makes a new variable
//   drop                          deletes every subscription behind its client's back
//   stop                          shuts down
//
// Environment: PORT, PKI (directory for its certificates), OPCUA_USER, OPCUA_PASSWORD.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import certificates from "node-opcua-certificate-manager";
import channel from "node-opcua-secure-channel";
import opcua from "node-opcua-server";
import status from "node-opcua-status-code";
import variants from "node-opcua-variant";

const { OPCUACertificateManager } = certificates;
const { MessageSecurityMode, SecurityPolicy } = channel;
const { OPCUAServer } = opcua;
const { StatusCodes } = status;
const { DataType, Variant, VariantArrayType } = variants;

const { PORT, PKI, OPCUA_USER, OPCUA_PASSWORD } = process.env;
if (!PORT || !PKI || !OPCUA_USER || !OPCUA_PASSWORD) {
  console.error("PORT, PKI, OPCUA_USER and OPCUA_PASSWORD must be set");
  process.exit(2);
}

const server = new OPCUAServer({
  port: Number(PORT),
  host: "127.0.0.1",
  hostname: "127.0.0.1",
  alternateHostname: ["localhost"],
  resourcePath: "/plant",
  securityPolicies: [SecurityPolicy.Basic256Sha256],
  securityModes: [MessageSecurityMode.SignAndEncrypt],
  disableDiscovery: false,
  allowAnonymous: false,
  userManager: { isValidUser: (user, password) => user === OPCUA_USER && password === OPCUA_PASSWORD },
  serverCertificateManager: new OPCUACertificateManager({
    rootFolder: PKI,
    automaticallyAcceptUnknownCertificate: true,
  }),
  serverCapabilities: { maxSessions: 20 },
  buildInfo: { productName: "lineshaft-e2e" },
});
await server.initialize();

const space = server.engine.addressSpace;
const ns = space.getOwnNamespace();
const pump = ns.addObject({ organizedBy: space.rootFolder.objects, browseName: "P-007", nodeId: "s=P-007" });
const variables = new Map();

function add(name, dataType, value, arrayType = VariantArrayType.Scalar) {
  const v = ns.addVariable({
    componentOf: pump,
    browseName: name,
    nodeId: `s=P-007.${name}`,
    dataType,
    valueRank: arrayType === VariantArrayType.Array ? 1 : -1,
    minimumSamplingInterval: 20,
  });
  v.setValueFromSource(new Variant({ dataType, arrayType, value }), StatusCodes.Good);
  variables.set(name, { node: v, dataType });
  return v;
}

const flow = add("flow", DataType.Double, 0);
add("temp", DataType.Float, 72.4);
add("running", DataType.Boolean, true);
add("state", DataType.Int32, 3);
add("count", DataType.UInt64, [0, 42]);
add("batch", DataType.String, "B-17");
add("setpoint", DataType.Double, 50);
add("spectrum", DataType.Double, new Float64Array([1, 2, 3]), VariantArrayType.Array);

const began = Date.now();
const ticking = setInterval(() => {
  flow.setValueFromSource(new Variant({ dataType: DataType.Double, value: (Date.now() - began) / 1000 }), StatusCodes.Good);
}, 50);

await server.start();
const certificate = readFileSync(server.certificateFile, "utf8");
console.log(JSON.stringify({ endpoint: `opc.tcp://127.0.0.1:${PORT}/plant`, namespace: ns.index, certificate }));

const commands = {
  set(name, number) {
    const { node, dataType } = variables.get(name);
    node.setValueFromSource(new Variant({ dataType, value: Number(number) }), StatusCodes.Good);
  },
  status(name, code) {
    const { node } = variables.get(name);
    node.setValueFromSource(node.readValue().value, StatusCodes[code]);
  },
  add(name, number) {
    add(name, DataType.Double, Number(number));
  },
  drop() {
    for (const session of Object.values(server.engine._sessions ?? {})) {
      for (const s of [...session.publishEngine.subscriptions]) {
        session.deleteSubscription(s.id);
      }
    }
  },
  async stop() {
    clearInterval(ticking);
    await server.shutdown(0);
    console.log("ok");
    process.exit(0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...args] = line.trim().split(" ");
  try {
    await commands[verb](...args);
    console.log("ok");
  } catch (e) {
    console.log(`failed ${verb}: ${e.message}`);
  }
}
process.exit(0);
