// Focus for what takes the place of something on the same page, so that keyboard and screen reader go on there instead of
// beginning anew. In: an element with `tabIndex={-1}`.
import { type RefObject, useEffect, useRef } from "react";

export function useArrival<T extends HTMLElement>(): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => element.current?.focus(), []);
  return element;
}
