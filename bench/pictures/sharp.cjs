// sharp.cjs make FILE: a JPEG of twelve megapixels with detail everywhere, as a photograph has.
// sharp.cjs run FILE ROUNDS: what haat makes of it, by sharp; prints the milliseconds of each.
'use strict';
const fs = require('fs');
const sharp = require('sharp');

async function make(file) {
  const [width, height] = [4000, 3000];
  const noise = (w, h, mean, sigma) => sharp({ create: { width: w, height: h, channels: 3,
    background: '#000', noise: { type: 'gaussian', mean, sigma } } }).png().toBuffer();
  const coarse = await sharp(await noise(40, 30, 128, 90)).resize(width, height, { kernel: 'cubic' })
    .png().toBuffer();
  const middle = await sharp(await noise(500, 375, 128, 60)).resize(width, height).png().toBuffer();
  const fine = await noise(width, height, 128, 12);
  await sharp(coarse).composite([{ input: middle, blend: 'overlay' },
    { input: fine, blend: 'overlay' }]).withExif({ IFD0: { Copyright: 'nobody' } })
    .jpeg({ quality: 92 }).toFile(file);
}

// Decoded once, as ours is; libuv's threads encode side by side.
async function once(original) {
  const upright = sharp(original, { limitInputPixels: 64e6, failOn: 'error' }).rotate();
  const { data, info } = await upright.resize({ width: 1920, height: 7680, fit: 'inside',
    withoutEnlargement: true }).raw().toBuffer({ resolveWithObject: true });
  const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
  const all = [];
  for (const width of [1920, 600, 300, 100]) {
    const sized = () => (width === 1920 ? sharp(data, raw)
      : sharp(data, raw).resize({ width, withoutEnlargement: true }));
    all.push(sized().webp({ quality: 80 }).toBuffer(), sized().jpeg({ quality: 80 }).toBuffer());
  }
  return Promise.all(all);
}

async function run(file, rounds) {
  sharp.cache(false);
  const original = fs.readFileSync(file);
  for (let i = 0; i < rounds; i += 1) {
    const begin = process.hrtime.bigint();
    const made = await once(original);
    console.log((Number(process.hrtime.bigint() - begin) / 1e6).toFixed(1));
    if (i === 0) for (const one of made) console.error(one.length + ' bytes');
  }
}

const [what, file, rounds] = process.argv.slice(2);
(what === 'make' ? make(file) : run(file, Number(rounds))).catch((error) => {
  console.error(error);
  process.exit(1);
});
