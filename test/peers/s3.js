// s3.js DIRECTORY: an S3 server (s3rver) behind a front that takes nothing whose signature (AWS
// Signature Version 4, in the headers or in the query) or body hash is wrong, which s3rver itself
// does not look at; and that aborts uploads in parts, which s3rver cannot. Says `port N`. The bucket
// is haat-test; the key is S3RVER, its secret as well.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const S3rver = require('s3rver');

const secret = 'S3RVER';
const hash = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text, 'utf8').digest();
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g,
  (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());

// "a=1&b" -> sorted, each decoded and encoded again, without the signature itself.
function canonicalQuery(query) {
  return query.split('&').filter((pair) => pair !== '').map((pair) => {
    const at = pair.indexOf('=');
    const parts = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    return parts.map((part) => encode(decodeURIComponent(part)));
  }).filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`).join('&');
}

function claimOf(request, query) {
  const header = request.headers.authorization;
  if (header) {
    const found = /^AWS4-HMAC-SHA256 Credential=(\S+), ?SignedHeaders=(\S+), ?Signature=(\w+)$/
      .exec(header);
    return found && { credential: found[1], signed: found[2], signature: found[3],
      date: request.headers['x-amz-date'], payload: request.headers['x-amz-content-sha256'] };
  }
  const fields = new URLSearchParams(query);
  return fields.get('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256' && {
    credential: fields.get('X-Amz-Credential'), signed: fields.get('X-Amz-SignedHeaders'),
    signature: fields.get('X-Amz-Signature'), date: fields.get('X-Amz-Date'),
    payload: 'UNSIGNED-PAYLOAD', lifetime: Number(fields.get('X-Amz-Expires')) };
}

// Empty when all is well.
function trouble(request, body) {
  const [place, query = ''] = request.url.split('?');
  const claim = claimOf(request, query);
  if (!claim) return 'AccessDenied';
  const [id, day, region, service, end] = claim.credential.split('/');
  if (id !== 'S3RVER' || service !== 's3' || end !== 'aws4_request') return 'InvalidAccessKeyId';
  const signed = claim.signed.split(';');
  if (!signed.includes('host')) return 'SignatureDoesNotMatch';
  const headers = signed.map((name) => `${name}:${(request.headers[name] || '').trim()}\n`).join('');
  const canonical = [request.method, place, canonicalQuery(query), headers, claim.signed,
    claim.payload].join('\n');
  const scope = [day, region, service, end].join('/');
  const text = ['AWS4-HMAC-SHA256', claim.date, scope, hash(canonical)].join('\n');
  const key = [day, region, service, end].reduce(hmac, 'AWS4' + secret);
  if (hmac(key, text).toString('hex') !== claim.signature) return 'SignatureDoesNotMatch';
  if (claim.payload !== 'UNSIGNED-PAYLOAD' && claim.payload !== hash(body))
    return 'XAmzContentSHA256Mismatch';
  const at = Date.parse(claim.date.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5'));
  if (Math.abs(Date.now() - at) > (claim.lifetime || 900) * 1000) return 'RequestTimeTooSkewed';
  return '';
}

// AbortMultipartUpload: 204, or 404 when there is no such upload of that object.
function abort(request, response) {
  const [place, query = ''] = request.url.split('?');
  const id = new URLSearchParams(query).get('uploadId');
  const upload = path.join(process.argv[2], 'haat-test', '._S3rver_uploads', id);
  const known = /^[0-9a-f]{32}$/.test(id) && fs.existsSync(path.join(upload, 'key')) &&
    place.endsWith('/' + fs.readFileSync(path.join(upload, 'key'), 'utf8'));
  if (known) fs.rmSync(upload, { recursive: true });
  response.writeHead(known ? 204 : 404, { 'Content-Type': 'application/xml' });
  response.end(known ? '' : '<Error><Code>NoSuchUpload</Code></Error>');
}

function front(inner) {
  return http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const wrong = trouble(request, body);
      if (wrong) {
        response.writeHead(403, { 'Content-Type': 'application/xml' });
        response.end(`<Error><Code>${wrong}</Code></Error>`);
        return;
      }
      if (request.method === 'DELETE' && /[?&]uploadId=/.test(request.url)) {
        abort(request, response);
        return;
      }
      const onward = http.request({ host: '127.0.0.1', port: inner, method: request.method,
        path: request.url, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      onward.end(body);
    });
  });
}

new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory: process.argv[2],
  serviceEndpoint: 'localhost', configureBuckets: [{ name: 'haat-test' }] })
  .run((error, address) => {
    if (error) throw error;
    const server = front(address.port);
    server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
  });
