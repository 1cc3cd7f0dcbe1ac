import { expect, test } from "vitest";
import { secureAddress } from "./secure-address";

const page = { hostname: "192.168.1.5", pathname: "/j/bcdfghjklm" };

test("the configured address comes first, then the port that speaks https", () => {
  const both = { public_url: "https://meet.example.org/", https_port: 7843 };
  expect(secureAddress(both, page)).toBe("https://meet.example.org/j/bcdfghjklm");
  const plain = { public_url: "http://meet.example.org/", https_port: 8443 };
  expect(secureAddress(plain, page)).toBe("https://192.168.1.5:8443/j/bcdfghjklm");
  const v6 = { hostname: "[fd00::1]", pathname: "/" };
  expect(secureAddress({ https_port: 7843 }, v6)).toBe("https://[fd00::1]:7843/");
});

test("a server without https has no such address", () => {
  expect(secureAddress({}, page)).toBeUndefined();
  expect(secureAddress({ public_url: null, https_port: null }, page)).toBeUndefined();
});
