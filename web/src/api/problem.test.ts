import { expect, it } from "vitest";
import { AWAY, Problem } from "./problem";

it("reads a problem document", () => {
  const problem = Problem.from(422, {
    status: 422,
    code: "validation_failed",
    detail: "Some fields need to be corrected.",
    errors: { password: ["too short"], odd: "text" },
  });
  expect(problem.code).toBe("validation_failed");
  expect(problem.message).toBe("Some fields need to be corrected.");
  expect(problem.fields).toEqual({ password: ["too short"] });
});

it("takes anything else as it comes", () => {
  expect(Problem.from(500, "<html>").status).toBe(500);
  expect(Problem.from(500, null).code).toBe("");
  expect(Problem.from(400, { code: 7, errors: [1] }).code).toBe("");
});

it("counts a proxy without a server behind it as a server that is away", () => {
  expect(Problem.from(502, "").code).toBe(AWAY);
  expect(Problem.from(503, { code: "no_media_node" }).code).toBe("no_media_node");
});
