import type { OpenApiDocuments } from "../openapi/openapi-documents.ts";
import { openApiV2 } from "../openapi/openapi-v2.ts";
import { type ApiResponse, jsonResponse } from "./api-request.ts";

/** What clients ask for has `@v1.0`, which is no media type; real servers answer with this one. */
const PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** OpenAPI v2 in the form that is accepted. It is large and seldom asked for: made anew each time rather than kept. */
export async function answerOpenApiV2(documents: OpenApiDocuments, accept: string): Promise<ApiResponse> {
  const document = openApiV2(documents);
  if (!accept.includes("application/com.github.proto-openapi.spec.v2")) return jsonResponse(200, document);
  const { encodeOpenApiV2 } = await import("../openapi/openapi-v2-protobuf.ts");
  return { status: 200, headers: { "content-type": PROTOBUF }, body: whole(encodeOpenApiV2(document)) };
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
