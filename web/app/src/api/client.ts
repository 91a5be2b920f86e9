// Asks the server: JSON there and back, a refusal as a Problem (RFC 9457), the key from localStorage.
import { serverPath } from "../paths";
import type { ApiProblem } from "./types";

const keyName = "crawlspace.key";

export function storedKey(): string | null {
  return localStorage.getItem(keyName);
}

export function storeKey(key: string | null): void {
  if (key) localStorage.setItem(keyName, key);
  else localStorage.removeItem(keyName);
}

/** Told to the page when someone wants to give a key, or forget theirs. */
export const keyWanted = "crawlspace:key-wanted";

/** Told to the page when the server asks for a key, or does not take the one that is kept here. */
export const keyRefused = "crawlspace:key-refused";

/** Why an answer did not come: what the server said, or that it could not be reached (status 0). */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly suggestion: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly requestId: string | null;

  constructor(body: Partial<ApiProblem>, requestId: string | null) {
    super(body.detail ?? body.title ?? "The server gave no reason");
    this.name = "Problem";
    this.status = body.status ?? 0;
    this.title = body.title ?? "No answer";
    this.detail = body.detail ?? "The server gave no reason.";
    this.suggestion = body.suggestion ?? null;
    this.line = body.line ?? null;
    this.column = body.column ?? null;
    this.requestId = requestId;
  }
}

export type Parameters = Record<string, string | number | boolean | null | undefined>;

/** A path of the server with its parameters; those without a value are left out. */
export function withParameters(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The raw answer, for downloads and streams. Throws a Problem unless it is a success. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await askWith(storedKey(), path, init);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) window.dispatchEvent(new Event(keyRefused));
    throw error;
  }
}

/** Whether the server lets this key ask: throws the Problem that says why it does not. */
export async function tryKey(key: string): Promise<void> {
  await askWith(key, "api/v1/tables", {});
}

/**
 * Browsers keep six connections to a server. Two stay free of questions, so that the files of another page never wait
 * behind slow answers, which end only when that page is there.
 */
const askedAtOnceMax = 4;
let asked = 0;
const waiting: (() => void)[] = [];

async function takeTurn(): Promise<void> {
  if (asked < askedAtOnceMax) asked += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
}

/** To whoever waits longest; a question that was given up meanwhile ends at once and passes its turn on. */
function giveTurn(): void {
  const next = waiting.shift();
  if (next) next();
  else asked -= 1;
}

async function askWith(key: string | null, path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (key) headers.set("authorization", `Bearer ${key}`);
  let response: Response;
  await takeTurn();
  try {
    response = await fetch(serverPath(path), { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem({ status: 0, title: "Out of reach", detail: "The server cannot be reached from here." }, null);
  } finally {
    giveTurn();
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  const said: Partial<ApiProblem> = typeof body === "object" && body !== null ? body : {};
  throw new Problem(
    { title: response.statusText, ...said, status: response.status },
    response.headers.get("x-request-id"),
  );
}

export async function getJson<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T> {
  const response = await ask(withParameters(path, parameters), { signal: signal ?? null });
  return wholeAnswer<T>(response);
}

export async function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  return wholeAnswer<T>(response);
}

/** Changes something that is kept: `body` replaces it, or it is deleted. */
export async function sendJson<T>(method: "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const said =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await ask(path, { method, ...said });
  return wholeAnswer<T>(response);
}

/** An answer that broke off after its status of 200 says so in `error`: it is not taken for a whole one. */
async function wholeAnswer<T>(response: Response): Promise<T> {
  const body = (await response.json()) as T & { error?: Partial<ApiProblem>; columns?: unknown; footer?: unknown };
  if (body.columns && !body.footer && body.error) throw new Problem(body.error, response.headers.get("x-request-id"));
  return body;
}
