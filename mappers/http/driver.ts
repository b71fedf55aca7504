import { atPointer, choice, type Driver, type DriverValue, defineDriver, text, wrapAtPointer } from "@skerry/mapper";

/** Devices answer a few values, not files. */
const MAXIMUM_ANSWER_BYTES = 1024 * 1024;

/** Devices with a REST interface: a property is a value in the JSON of an address. */
const driver: Driver = defineDriver({
  protocol: "http",
  deviceConfig: {
    /** `http://192.168.1.20/api/` */
    url: text(),
    /** Sent as `authorization: Bearer …`. */
    token: text(""),
  },
  propertyConfig: {
    /** Behind the device's address. */
    path: text(""),
    /** Where in the answer the value is: `/sensors/0/temperature`. Without it the answer is the value. */
    pointer: text(""),
    /** By default as read. */
    writePath: text(""),
    writePointer: text(""),
    writeMethod: choice("PUT", "POST", "PATCH"),
  },
  open({ url, token }) {
    if (!/^https?:$/.test(new URL(url).protocol)) throw new Error(`configData.url is ${url}, not http or https`);
    return { base: url.endsWith("/") ? url : `${url}/`, token };
  },
  async read(device, { config }, { signal }) {
    const answer = await ask(device, config.path, { method: "GET", signal });
    const value = config.pointer === "" ? parsed(answer) : atPointer(JSON.parse(answer), config.pointer);
    if (value === undefined) throw new Error(`the answer has nothing at ${config.pointer}`);
    return value as DriverValue;
  },
  async write(device, { config }, value, { signal }) {
    const { path, pointer, writePath, writePointer, writeMethod } = config;
    const json = typeof value === "bigint" ? String(value) : value;
    const body = JSON.stringify(wrapAtPointer(writePointer || pointer, json));
    await ask(device, writePath || path, { method: writeMethod, signal, body });
  },
});
export default driver;

async function ask(
  { base, token }: { readonly base: string; readonly token: string },
  path: string,
  request: { readonly method: string; readonly signal: AbortSignal; readonly body?: string },
): Promise<string> {
  const response = await fetch(new URL(path.replace(/^\//, ""), base), {
    ...request,
    redirect: "error",
    headers: {
      accept: "application/json",
      ...(request.body !== undefined && { "content-type": "application/json" }),
      ...(token !== "" && { authorization: `Bearer ${token}` }),
    },
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAXIMUM_ANSWER_BYTES) throw new Error(`${path} answered more than ${MAXIMUM_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (!response.ok) throw new Error(`${request.method} ${path} was answered with ${response.status}`);
  return Buffer.concat(chunks).toString("utf8");
}

/** A JSON value, else the text as it is. */
function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return answer.trim();
  }
}
