// (f) Socket.IO 4, redis-streams adapter, pg: authenticates by JWT, stores each message, broadcasts, acknowledges.
const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { createClient } = require("redis");
const { createAdapter } = require("@socket.io/redis-streams-adapter");
const { Pool } = require("pg");
const jwt = require("jsonwebtoken");

async function main() {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  await pool.query(
    "CREATE TABLE IF NOT EXISTS message (id bigserial PRIMARY KEY, room text NOT NULL, author text NOT NULL," +
      " client_id text NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())",
  );
  const redis = createClient({ url: process.env.REDIS_URL });
  await redis.connect();
  const http = createServer();
  const io = new Server(http, { adapter: createAdapter(redis), perMessageDeflate: false });
  io.use((socket, next) => {
    try {
      socket.data.user = jwt.verify(socket.handshake.auth.token, process.env.SECRET_KEY).sub;
      next();
    } catch (error) {
      next(error);
    }
  });
  io.on("connection", (socket) => {
    const room = socket.handshake.auth.room;
    socket.join(room);
    socket.on("message", async ({ client_id, body }, answer) => {
      const stored = await pool.query(
        "INSERT INTO message (room, author, client_id, body) VALUES ($1, $2, $3, $4) RETURNING id, created_at",
        [room, socket.data.user, client_id, body],
      );
      const { id, created_at } = stored.rows[0];
      io.to(room).emit("message", { id, room, author: socket.data.user, client_id, body, created_at });
      if (answer) answer({ id });
    });
  });
  http.listen(Number(process.env.PORT), "127.0.0.1");
}

main();
