// Codes by mail: asked for, and given back to sign in, to set a new password, to confirm an address.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, orThrow } from "./client";
import { useStartSession } from "./queries";

/** Asks for a code to sign in with. The answer is the same whether or not there is an account. */
export function useRequestCode() {
  return useMutation({
    mutationFn: (email: string) => orThrow(api.POST("/api/v1/auth/otp", { body: { email } })),
  });
}

export function useSignInByCode() {
  return useStartSession((values: { email: string; code: string }) =>
    orThrow(api.POST("/api/v1/auth/otp/verify", { body: { ...values, transport: "cookie" } })),
  );
}

/** Asks for a code to set a new password with. The answer is the same whether or not there is an account. */
export function useRequestReset() {
  return useMutation({
    mutationFn: (email: string) =>
      orThrow(api.POST("/api/v1/auth/password/reset", { body: { email } })),
  });
}

/** Sets a new password; every session of the account ends, this browser's too. */
export function useConfirmReset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (values: { email: string; code: string; new_password: string }) =>
      orThrow(api.POST("/api/v1/auth/password/reset/confirm", { body: values })),
    onSuccess: () => {
      client.clear();
    },
  });
}

/** Asks for a code to confirm one's own address with. */
export function useRequestVerification() {
  return useMutation({ mutationFn: () => orThrow(api.POST("/api/v1/auth/email/verify")) });
}

export function useConfirmAddress() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (code: string) =>
      orThrow(api.POST("/api/v1/auth/email/verify/confirm", { body: { code } })),
    onSuccess: (user) => {
      client.setQueryData(["me"], user);
      // Invitations to the address are one's own from now on.
      client.invalidateQueries({ queryKey: ["meetings"] });
    },
  });
}
