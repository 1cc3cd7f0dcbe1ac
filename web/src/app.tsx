// The map of the app: every page and its address, with what surrounds them all.
import { QueryClientProvider } from "@tanstack/react-query";
import { Tooltip } from "radix-ui";
import { lazy, Suspense } from "react";
import { createBrowserRouter, Navigate, Outlet, RouterProvider } from "react-router";
import { queryClient } from "./api/queries";
import { BrokenPage } from "./pages/broken";
import { NotFoundPage } from "./pages/not-found";
import { Announcements } from "./ui/announce";

const LandingPage = lazy(() => import("./pages/landing"));
const SignInPage = lazy(() => import("./pages/signin"));
const SignUpPage = lazy(() => import("./pages/signup"));
const SetupPage = lazy(() => import("./pages/setup"));
const RoomsPage = lazy(() => import("./pages/rooms"));
const RoomPage = lazy(() => import("./pages/room"));
const MeetingsPage = lazy(() => import("./pages/meetings"));
const SchedulePage = lazy(() => import("./pages/schedule"));
const MeetingPage = lazy(() => import("./pages/meeting"));
const InvitationPage = lazy(() => import("./pages/invitation"));
const OrganizationInvitationPage = lazy(() => import("./pages/organization-invitation"));
const SignInByCodePage = lazy(() => import("./pages/signin-code"));
const ResetPage = lazy(() => import("./pages/reset"));
const VerifyPage = lazy(() => import("./pages/verify"));
const SettingsPage = lazy(() => import("./pages/settings"));
const JoinPage = lazy(() => import("./join/page"));

function Frame() {
  return (
    <Tooltip.Provider delayDuration={400} skipDelayDuration={200}>
      <Suspense fallback={null}>
        <Outlet />
      </Suspense>
      <Announcements />
    </Tooltip.Provider>
  );
}

const router = createBrowserRouter([
  {
    element: <Frame />,
    errorElement: <BrokenPage />,
    children: [
      { path: "/", element: <LandingPage /> },
      { path: "/home", element: <Navigate to="/meetings" replace /> },
      { path: "/signin", element: <SignInPage /> },
      { path: "/signin/code", element: <SignInByCodePage /> },
      { path: "/reset", element: <ResetPage /> },
      { path: "/verify", element: <VerifyPage /> },
      { path: "/signup", element: <SignUpPage /> },
      { path: "/setup", element: <SetupPage /> },
      { path: "/rooms", element: <RoomsPage /> },
      { path: "/rooms/:room", element: <RoomPage /> },
      { path: "/meetings", element: <MeetingsPage /> },
      { path: "/meetings/new", element: <SchedulePage /> },
      { path: "/meetings/:meeting", element: <MeetingPage /> },
      { path: "/invites/:token", element: <InvitationPage /> },
      { path: "/organization-invites/:invite", element: <OrganizationInvitationPage /> },
      { path: "/settings", element: <SettingsPage /> },
      { path: "/j/:code", element: <JoinPage /> },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
