// h2_server.js CERTIFICATE KEY: HTTP/2 and HTTP/1.1 over TLS; says `port N`. `/to?URL` redirects
// there.
const fs = require('fs');
const http2 = require('http2');

let sessions = 0;
const server = http2.createSecureServer({
  cert: fs.readFileSync(process.argv[2]), key: fs.readFileSync(process.argv[3]), allowHTTP1: true,
});
server.on('session', () => { sessions += 1; });
server.on('request', (request, response) => {
  if (request.url.startsWith('/to?')) {
    response.writeHead(302, { Location: request.url.slice(4) });
    response.end();
    return;
  }
  let size = 0;
  request.on('data', (piece) => { size += piece.length; });
  request.on('end', () => {
    response.setHeader('X-Version', request.httpVersion);
    response.end(JSON.stringify({ version: request.httpVersion, sessions, size }));
  });
});
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
