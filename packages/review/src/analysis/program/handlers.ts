/** Functions that the outside calls: HTTP and RPC handlers, webhooks. Each call of them is somebody's request. */
import type { Func } from "../../ir/nodes.ts"
import type { File } from "./file.ts"
import { isKnown } from "./known.ts"

const ANNOTATIONS =
  /^(?:(?:Get|Post|Put|Patch|Delete|Request)Mapping|POST|PUT|PATCH|DELETE|GET|Path|Post|Put|Patch|Delete|Get|All|GrpcMethod|MessageMapping|api_view|route|csrf_exempt)$|\.(?:route|post|put|patch|delete|get|websocket|api_route)$/
const ROUTES =
  /^(?:get|post|put|patch|delete|all|use|Get|Post|Put|Patch|Delete|GET|POST|PUT|PATCH|DELETE|Any|HandleFunc|Handle|Route|route|handle|registerHandler)$/
const ROUTERS =
  /(?:^|\.)(?:app|router|routes?|server|r|e|g|api|mux|fastify|express|group|hono|http|\w*[rR]outer)(?:\(\))?$/
const PARAMS =
  /http\.ResponseWriter|\*http\.Request|gin\.Context|echo\.Context|fiber\.Ctx|HttpServletRequest|ServerRequest|ApplicationCall|NextApiRequest|FastifyRequest|^Request$|express\.Request|^Context$|ServerHttpRequest|StreamObserver|APIGatewayProxy\w*Event|^HttpRequest$/

/** Whether a function handles requests from outside. */
export function isRequestHandler(file: File, fn: Func): boolean {
  if (isKnown(file.known.handlers, fn.name)) return true
  if (fn.annotations.some((one) => ANNOTATIONS.test(one.name))) return true
  if (fn.params.some((param) => PARAMS.test((param.type ?? "").trim()))) return true
  // Express: `(req, res) => …`
  const names = fn.params.map((param) => param.name)
  if (/^(?:req|request)$/.test(names[0] ?? "") && (names.length > 1 || file.language === "python"))
    return true
  if (/^(?:ctx|c)$/.test(names[0] ?? "") && fn.isLambda && isRouted(file, fn)) return true
  return isRouted(file, fn)
}

/** `router.post("/orders", async () => …)`, ktor's `post("/orders") { … }`. */
function isRouted(file: File, fn: Func): boolean {
  const lambda = fn.isLambda ? file.parentOf(fn) : null
  const call = lambda && file.parentOf(lambda)
  if (call?.kind !== "call" || !ROUTES.test(call.name) || call.args[0]?.kind !== "string")
    return false
  if (!call.args[0].value.startsWith("/")) return false
  if (call.callee.kind === "name") return file.language === "kotlin"
  return call.callee.kind === "member" && ROUTERS.test(nameOf(call.callee.object))
}

function nameOf(node: { readonly kind: string; readonly name?: string }): string {
  return node.kind === "name" || node.kind === "member" || node.kind === "call"
    ? (node.name ?? "")
    : ""
}

/** Whether a name speaks of calls that others repeat until they are answered. */
export function isWebhookName(name: string): boolean {
  return /webhook|callback|onEvent|on_event|handleEvent|handle_event|ipn\b/i.test(name)
}
