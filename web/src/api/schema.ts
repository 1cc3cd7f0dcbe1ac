// Written by hand until the server's OpenAPI document exists; `npm run api-types` then overwrites this file.
export interface paths {
  "/api/v1/config": { get: { responses: { 200: { content: { "application/json": components["schemas"]["ServerConfig"] } } } } };
  "/api/v1/auth/register": { post: { requestBody: { content: { "application/json": components["schemas"]["RegisterRequest"] } }; responses: { 201: { content: { "application/json": components["schemas"]["Session"] } } } } };
  "/api/v1/auth/login": { post: { requestBody: { content: { "application/json": components["schemas"]["LoginRequest"] } }; responses: { 200: { content: { "application/json": components["schemas"]["Session"] } } } } };
  "/api/v1/auth/setup": { post: { requestBody: { content: { "application/json": components["schemas"]["SetupRequest"] } }; responses: { 201: { content: { "application/json": components["schemas"]["Session"] } } } } };
  "/api/v1/auth/logout": { post: { responses: { 204: { content?: never } } } };
  "/api/v1/me": { get: { responses: { 200: { content: { "application/json": components["schemas"]["User"] } } } } };
  "/api/v1/rooms": {
    get: { parameters: { query?: { limit?: number; cursor?: string } }; responses: { 200: { content: { "application/json": components["schemas"]["RoomPage"] } } } };
    post: { requestBody: { content: { "application/json": components["schemas"]["CreateRoomRequest"] } }; responses: { 201: { content: { "application/json": components["schemas"]["RoomView"] } } } };
  };
  "/api/v1/rooms/{room}": {
    get: { parameters: { path: { room: string } }; responses: { 200: { content: { "application/json": components["schemas"]["RoomView"] } } } };
    delete: { parameters: { path: { room: string } }; responses: { 204: { content?: never } } };
  };
  "/api/v1/rooms/{room}/join": { post: { parameters: { path: { room: string } }; requestBody: { content: { "application/json": components["schemas"]["JoinRequest"] } }; responses: { 200: { content: { "application/json": components["schemas"]["JoinAnswer"] } } } } };
}
export interface components {
  schemas: {
    ServerConfig: { registration: string; https_port?: number | null };
    User: { id: string; email: string; display_name: string };
    RegisterRequest: { email: string; password: string; display_name: string; transport?: "bearer" | "cookie"; };
    SetupRequest: { token: string; email: string; password: string; display_name: string; transport?: "bearer" | "cookie" };
    LoginRequest: { identifier: string; password: string; transport?: "bearer" | "cookie" };
    Session: { user: components["schemas"]["User"] };
    RoomView: { id: string; code?: string; name: string; type: "chat" | "video"; access_level: "public" | "trusted" | "restricted"; conversation_id?: string; created_at: string; call?: { participants: number } | null };
    RoomPage: { items: components["schemas"]["RoomView"][]; next_cursor?: string | null };
    CreateRoomRequest: { name: string; type: "chat" | "video"; access_level: "public" | "trusted" | "restricted" };
    JoinRequest: { display_name?: string; client_id?: string };
    JoinAnswer: { url: string; token: string; ice_servers: { urls: string[]; username?: string; credential?: string }[]; room: components["schemas"]["RoomView"]; identity: string; guest?: { id: string; access_token?: string } | null };
  };
}
