/** Clients of Java and Kotlin that wait for ever unless they are told otherwise. */
import type { Call, Node } from "../../../ir/nodes.ts"
import type { File } from "../../program/file.ts"
import { dotted, receiverOf, rootOf } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import type { Unbounded } from "./unbounded.ts"

export function unboundedInJvm(program: Program, file: File): Unbounded[] {
  return file.calls.flatMap((call) => ofCall(program, file, call))
}

function ofCall(program: Program, file: File, call: Call): Unbounded[] {
  if (file.methodOf(call)?.name === "main") return []
  return (
    restTemplate(program, file, call) ??
    built(program, file, call) ??
    jdkClient(program, file, call) ??
    connection(file, call) ??
    apache(file, call) ??
    grpc(file, call) ??
    blocked(file, call) ??
    ktor(file, call) ??
    []
  )
}

const SPRING_DEFAULT = /RestTemplateCustomizer|spring\.http\.client\S*timeout|RestClientCustomizer/

/** Spring's template without a request factory that has timeouts. */
function restTemplate(program: Program, file: File, call: Call): Unbounded[] | null {
  const name = dotted(call.callee)
  // Its other constructor takes a request factory, and what is given to it may be one.
  const isTemplate =
    name === "RestTemplate" &&
    call.args.every(
      (arg) => /converters?$/i.test(dotted(arg)) || /Converters?$/.test(typeIn(file, arg)),
    )
  const isClient = name === "RestClient.create"
  if (!isTemplate && !isClient) return null
  if (!file.unit.imports.some((one) => /springframework\.web/.test(one.module))) return null
  if (/setRequestFactory|\.requestFactory\(|setReadTimeout/.test(file.text)) return null
  if (program.evidence.find(file.path, SPRING_DEFAULT, "everywhere", "spring http timeouts"))
    return null
  // A subclass or a bean of the test is no client of anybody.
  return [
    found(
      call,
      "certain",
      `\`${name}\``,
      "is made without timeouts: a server that does not answer holds its threads for ever",
      {
        fix: "Give it a request factory with connect and read timeouts, or build it with RestTemplateBuilder and setReadTimeout.",
        checked: [
          "no request factory is set on it",
          "no customizer of the application sets timeouts",
        ],
      },
    ),
  ]
}

/** The declared type of a name, in its method or as a field. */
function typeIn(file: File, node: Node): string {
  if (node.kind !== "name") return ""
  const param = file.methodOf(node)?.params.find((one) => one.name === node.name)
  return (param?.type ?? "").replace(/<.*$/, "")
}

const BOUND_BUILDERS =
  /spring\.(?:http|rest|mvc)\S*timeout|RestTemplateCustomizer|WebClientCustomizer|RestClientCustomizer|HttpClientSettings|ClientHttpRequestFactorySettings/i

/** Builders of clients that wait for ever unless they are given a limit: Spring's, and JAX-RS's. */
function built(program: Program, file: File, call: Call): Unbounded[] | null {
  const name = dotted(call.callee)
  const isWeb =
    name === "WebClient.create" || (call.name === "build" && name.startsWith("WebClient.builder()"))
  const isRest = call.name === "build" && name.startsWith("RestClient.builder()")
  const isJaxRs =
    name === "ClientBuilder.newClient" ||
    (call.name === "build" && name.startsWith("ClientBuilder.newBuilder()"))
  const isTemplate = call.name === "build" && isTemplateBuilder(file, call)
  if (!isWeb && !isRest && !isJaxRs && !isTemplate) return null
  const from = isJaxRs ? /^(?:javax|jakarta)\.ws\.rs/ : /^org\.springframework/
  if (!file.unit.imports.some((one) => from.test(one.module))) return null
  if (/[tT]imeout|requestFactory|RequestFactory|[cC]onnector/.test(file.text)) return []
  if (!isJaxRs && program.evidence.find(file.path, BOUND_BUILDERS, "everywhere", "client timeouts"))
    return []
  const who = isWeb ? "WebClient" : isRest ? "RestClient" : isJaxRs ? "Client" : "RestTemplate"
  return [
    found(call, "likely", `\`${who}\``, "is built without a limit on how long an answer may take", {
      fix: "Give the builder a connect timeout and a read or response timeout.",
      checked: ["no timeout, request factory or connector is set in this file or by a customizer"],
    }),
  ]
}

function isTemplateBuilder(file: File, call: Call): boolean {
  const root = rootOf(call.callee)
  if (root === "RestTemplateBuilder") return true
  const param = file.methodOf(call)?.params.find((one) => one.name === root)
  return param?.type === "RestTemplateBuilder"
}

/** A request of java.net.http without a timeout, that is sent and waited for. */
function jdkClient(program: Program, file: File, call: Call): Unbounded[] | null {
  if (!/^HttpRequest\.newBuilder$/.test(dotted(call.callee))) return null
  if (!file.unit.imports.some((one) => one.module.startsWith("java.net.http"))) return null
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "call" && outer.name === "timeout") return []
    if (outer.kind === "block") break
  }
  const method = file.methodOf(call)
  const around = method ?? file.classOf(call)
  if (!around || /\.timeout\(|orTimeout|completeOnTimeout/.test(file.textOf(around))) return []
  // A builder that is passed on may be finished elsewhere.
  if (!/\.send(?:Async)?\(/.test(file.text)) return []
  const parent = file.parentOf(call)
  if (parent?.kind === "return" || !program) return []
  return [
    found(
      call,
      "likely",
      "this `HttpRequest`",
      "has no timeout: the client waits for its answer for ever",
      {
        fix: "Call .timeout(Duration.ofSeconds(10)) on the builder; connectTimeout of the client ends only connecting.",
        checked: ["the builder of the request sets no timeout"],
      },
    ),
  ]
}

/** `url.openConnection()` and `openStream()`. */
function connection(file: File, call: Call): Unbounded[] | null {
  const receiver = receiverOf(call)
  if (!receiver) return null
  const isUrl = isUrlLike(file, receiver)
  if (call.name === "openConnection") {
    const around = file.methodOf(call) ?? file.classOf(call)
    if (
      !isUrl ||
      !around ||
      /[rR]eadTimeout/.test(file.text) ||
      /[tT]imeout\w*\(/.test(file.textOf(around))
    )
      return []
    if (
      !/HttpURLConnection|HttpsURLConnection|getInputStream|inputStream|outputStream|responseCode/.test(
        file.textOf(around),
      )
    )
      return []
    return [
      found(
        call,
        "likely",
        "`openConnection`",
        "is read without a read timeout, which is infinite unless it is set",
        {
          fix: "Call setConnectTimeout and setReadTimeout before connecting.",
          checked: ["no read timeout is set in the same method"],
        },
      ),
    ]
  }
  const reads = /^(?:openStream|readText|readBytes)$/.test(call.name) && call.args.length === 0
  if (!reads || !isUrl) return null
  return [
    found(call, "certain", `\`${call.name}\` of a URL`, "has no timeout and takes none", {
      fix: "Use a client with timeouts, or openConnection with setConnectTimeout and setReadTimeout.",
      checked: [],
    }),
  ]
}

function isUrlLike(file: File, receiver: Node): boolean {
  if (receiver.kind === "call") {
    // `request.getUrl().openConnection()`
    if (/(?:^url|U(?:rl|RL))$/.test(receiver.name) && receiver.args.length === 0) return true
    return (
      receiver.name === "URL" &&
      !/^\s*"?(?:file|jar|classpath):/.test(file.textOf(receiver).slice(4))
    )
  }
  if (receiver.kind !== "name") return false
  const method = file.methodOf(receiver)
  if (
    method?.params.some(
      (one) => one.name === receiver.name && /^(?:java\.net\.)?URL$/.test(one.type ?? ""),
    )
  )
    return true
  return file.assignments.some(
    (assign) =>
      (!method || (assign.start >= method.start && assign.end <= method.end)) &&
      assign.targets.some((target) => target.kind === "name" && target.name === receiver.name) &&
      assign.value?.kind === "call" &&
      (assign.value.name === "URL" || assign.value.name === "toURL"),
  )
}

const APACHE_TIMEOUT =
  /setDefaultRequestConfig|setConfig\(|ResponseTimeout|setSocketTimeout|setConnectionRequestTimeout|setSoTimeout/

/** Apache's client without a request configuration. */
function apache(file: File, call: Call): Unbounded[] | null {
  const name = dotted(call.callee)
  const isDefault = name === "HttpClients.createDefault" || name === "HttpClients.createSystem"
  const isBuilt =
    call.name === "build" && /^HttpClient(?:s|Builder)$/.test(rootOf(call.callee) ?? "")
  const isOld = name === "DefaultHttpClient" && call.args.length === 0
  if (!isDefault && !isBuilt && !isOld) return null
  if (!file.unit.imports.some((one) => one.module.startsWith("org.apache"))) return null
  if (APACHE_TIMEOUT.test(file.text)) return []
  return [
    found(
      call,
      "likely",
      `\`${isBuilt ? "HttpClientBuilder" : name}\``,
      "is made without a request configuration, so reading an answer has no timeout",
      {
        fix: "Set a default RequestConfig with connect, connection request and response (socket) timeouts.",
        checked: ["no RequestConfig with timeouts is in this file"],
      },
    ),
  ]
}

/** A blocking stub whose calls have no deadline. */
function grpc(file: File, call: Call): Unbounded[] | null {
  if (call.name !== "newBlockingStub" && !call.name.endsWith("CoroutineStub")) return null
  if (/withDeadline|intercept|Interceptor/.test(file.text)) return []
  // Several constructors make the same stub.
  if (file.calls.some((one) => one.name === call.name && one.start < call.start)) return []
  return [
    found(
      call,
      "likely",
      `\`${dotted(call.callee)}\``,
      "is used without a deadline, and gRPC has none by default",
      {
        fix: "Call the stub through withDeadlineAfter(10, TimeUnit.SECONDS), once per call.",
        checked: ["no call in this file sets a deadline, and no interceptor does"],
      },
    ),
  ]
}

/** Ktor's engines that bound a read by themselves. */
const BOUND_ENGINES = /^(?:OkHttp|CIO|Apache5?|Android|MockEngine)$/

/** Ktor's client without its plugin for timeouts, on an engine that has none of its own or may be any. */
function ktor(file: File, call: Call): Unbounded[] | null {
  if (call.name !== "HttpClient" || file.language !== "kotlin") return null
  if (!file.unit.imports.some((one) => one.module.startsWith("io.ktor.client"))) return null
  // A socket stays open for as long as there is something to say.
  if (/HttpTimeout|[tT]imeoutMillis|withTimeout|[tT]imeout\s*[({=]|WebSockets\b/.test(file.text))
    return []
  const [engine] = call.args
  const isBlock = engine?.kind === "lambda"
  if (engine && !isBlock && BOUND_ENGINES.test(dotted(engine))) return []
  // Without a block nothing is installed by whoever makes it: the engine may come from a test.
  if (call.args.at(-1)?.kind !== "lambda") return []
  return [
    found(
      call,
      "likely",
      "`HttpClient` of Ktor",
      "is made without timeouts: a request may hang for ever",
      {
        fix: "install(HttpTimeout) { requestTimeoutMillis = 30_000; connectTimeoutMillis = 10_000; socketTimeoutMillis = 30_000 }",
        checked: [
          "HttpTimeout is not installed in this file",
          "no engine with limits of its own is named",
        ],
      },
    ),
  ]
}

/** `webClient.get()….block()` without a limit. */
function blocked(file: File, call: Call): Unbounded[] | null {
  if (
    call.name !== "block" ||
    call.args.length > 0 ||
    (file.language !== "java" && file.language !== "kotlin")
  )
    return null
  const root = rootOf(call.callee) ?? ""
  const text = file.textOf(call)
  if (!/web_?client/i.test(root) && !/WebClient/.test(text)) return null
  if (!/\.(?:retrieve|exchange\w*)\(/.test(text) || /\.timeout\(/.test(text)) return []
  if (/responseTimeout|ReadTimeoutHandler/.test(file.text)) return []
  return [
    found(call, "likely", "`block` of a WebClient", "waits without a limit", {
      fix: "Put .timeout(Duration.ofSeconds(10)) before it, or block(Duration).",
      checked: [
        "no timeout is in the chain",
        "no response timeout is set on the client in this file",
      ],
    }),
  ]
}

function found(
  at: Call,
  tier: Unbounded["tier"],
  what: string,
  why: string,
  rest: { readonly fix: string; readonly checked: readonly string[] },
): Unbounded {
  return { at, tier, severity: "medium", what, why, facts: [], ...rest }
}
