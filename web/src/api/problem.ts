// What went wrong with a request, as one error type. In: a problem document (RFC 9457), any other answer, or no
// answer at all. Out: `Problem`. Must not decide what to show; pages map `code` and `status` to their own words.

export interface ProblemDocument {
  status?: number;
  code?: string;
  title?: string;
  detail?: string;
  errors?: Record<string, string[]>;
}

/** `code` when the server could not be reached at all; its `status` is 0. */
export const AWAY = "server_away";

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Record<string, string[]>;

  constructor(
    status: number,
    code: string,
    message: string,
    fields: Record<string, string[]> = {},
  ) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.fields = fields;
  }

  static away(): Problem {
    return new Problem(0, AWAY, "");
  }

  /** Whatever `body` is, the answer becomes a Problem; only well-formed parts of it are taken over. */
  static from(status: number, body: unknown): Problem {
    const document: ProblemDocument = body && typeof body === "object" ? body : {};
    const code = typeof document.code === "string" ? document.code : gatewayCode(status);
    const text = document.detail ?? document.title;
    const fields: Record<string, string[]> = {};
    if (document.errors && typeof document.errors === "object") {
      for (const [field, list] of Object.entries(document.errors)) {
        if (Array.isArray(list)) fields[field] = list.filter((entry) => typeof entry === "string");
      }
    }
    return new Problem(status, code, typeof text === "string" ? text : "", fields);
  }
}

// A reverse proxy without a living server behind it answers 502 to 504 without a problem document.
function gatewayCode(status: number): string {
  return status >= 502 && status <= 504 ? AWAY : "";
}
