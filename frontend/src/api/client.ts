/** The one door to `/api/v1`: typed answers, typed errors, the CSRF header, and word of a lost session. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly where: string | null,
    readonly fix: string | null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

const BASE = "/api/v1/";
let csrf = "";
const lostSession = new Set<() => void>();

export function setCsrf(value: string): void {
  csrf = value;
}

/** Called whenever the server says that nobody is logged in. */
export function onLostSession(listener: () => void): () => void {
  lostSession.add(listener);
  return () => lostSession.delete(listener);
}

interface ErrorBody {
  error?: { code?: string; message?: string; where?: string | null; fix?: string | null };
}

async function failure(response: Response): Promise<ApiError> {
  let body: ErrorBody = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // A proxy's error page, not ours.
  }
  const said = body.error ?? {};
  const message = said.message ?? `The server answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(response.status, said.code ?? "http", message, said.where ?? null, said.fix ?? null);
}

export interface Options {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** The raw answer; throws ApiError for any status that is not 2xx and for a server that cannot be reached. */
export async function request(path: string, options: Options = {}): Promise<Response> {
  const method = options.method ?? (options.body === undefined ? "GET" : "POST");
  const headers: Record<string, string> = {};
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-Weft-CSRF"] = csrf;
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: options.signal ?? null };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "Weft cannot be reached", null, "Check that it runs; this page retries by itself");
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== "auth/login") for (const listener of lostSession) listener();
  throw await failure(response);
}

export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const response = await request(path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Saves an answer as a file under the name the server gave it. */
export async function download(path: string, body: unknown, fallbackName: string): Promise<void> {
  const response = await request(path, { body });
  const named = /filename="?([^";]+)"?/.exec(response.headers.get("content-disposition") ?? "");
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = named?.[1] ?? fallbackName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
