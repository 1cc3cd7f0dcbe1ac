// Written by hand until the server's OpenAPI document exists; `npm run api-types` then overwrites this file.
export interface paths {
  "/api/v1/config": { get: { responses: { 200: { content: { "application/json": components["schemas"]["PublicConfig"] } } } } };
  "/api/v1/auth/register": { post: { requestBody: { content: { "application/json": components["schemas"]["RegisterRequest"] } }; responses: { 201: { content: { "application/json": components["schemas"]["AuthResponse"] } } } } };
  "/api/v1/auth/login": { post: { requestBody: { content: { "application/json": components["schemas"]["LoginRequest"] } }; responses: { 200: { content: { "application/json": components["schemas"]["AuthResponse"] } } } } };
  "/api/v1/auth/logout": { post: { responses: { 204: { content?: never } } } };
  "/api/v1/me": { get: { responses: { 200: { content: { "application/json": components["schemas"]["User"] } } } } };
  "/api/v1/rooms": {
    get: { parameters: { query?: { limit?: number; cursor?: string } }; responses: { 200: { content: { "application/json": components["schemas"]["RoomList"] } } } };
    post: { requestBody: { content: { "application/json": components["schemas"]["CreateRoomRequest"] } }; responses: { 201: { content: { "application/json": components["schemas"]["Room"] } } } };
  };
  "/api/v1/rooms/{room}": {
    get: { parameters: { path: { room: string } }; responses: { 200: { content: { "application/json": components["schemas"]["Room"] } } } };
    delete: { parameters: { path: { room: string } }; responses: { 204: { content?: never } } };
  };
  "/api/v1/rooms/{room}/join": { post: { parameters: { path: { room: string } }; requestBody: { content: { "application/json": components["schemas"]["JoinRequest"] } }; responses: { 200: { content: { "application/json": components["schemas"]["JoinResponse"] } } } } };
}
export interface components {
  schemas: {
    PublicConfig: { registration: string; https_port?: number | null };
    User: { id: string; email: string; display_name: string };
    RegisterRequest: { email: string; password: string; display_name: string; transport?: "bearer" | "cookie"; setup_token?: string };
    LoginRequest: { identifier: string; password: string; transport?: "bearer" | "cookie" };
    AuthResponse: { user: components["schemas"]["User"] };
    Room: { id: string; code: string; name: string; type: "chat" | "video"; access_level: "public" | "trusted" | "restricted"; conversation_id: string; created_at: string; participants?: number | null };
    RoomList: { items: components["schemas"]["Room"][]; next_cursor?: string | null };
    CreateRoomRequest: { name: string; type: "chat" | "video"; access_level: "public" | "trusted" | "restricted" };
    JoinRequest: { display_name?: string; client_id?: string };
    JoinResponse: { url: string; token: string; ice_servers: { urls: string[]; username?: string; credential?: string }[]; guest?: { id: string; access_token: string } | null };
  };
}
