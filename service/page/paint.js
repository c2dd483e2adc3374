// Rows of numbers become small pictures, one pixel a number; CSS makes them larger.

const FOR = [78, 168, 255];
const AGAINST = [255, 140, 50];
const GROUND = [13, 15, 18];

/** Paint pixels from 0 to 255 as the network sees them, light on dark. */
export function paintGrey(canvas, rows) {
  paint(canvas, rows, (value) => mixed(GROUND, [255, 255, 255], value / 255));
}

/** Paint numbers that speak for something (blue) or against it (orange), over the pixels they belong to, if any. */
export function paintSigned(canvas, rows, under = null) {
  const most = Math.max(...rows.flat().map(Math.abs)) || 1;
  paint(canvas, rows, (value, y, x) => {
    const ground = under ? mixed(GROUND, [255, 255, 255], (0.3 * under[y][x]) / 255) : GROUND;
    return mixed(ground, value > 0 ? FOR : AGAINST, (Math.abs(value) / most) ** (under ? 0.6 : 0.9));
  });
}

export function blank(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

function paint(canvas, rows, colour) {
  canvas.height = rows.length;
  canvas.width = rows[0].length;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  rows.forEach((row, y) => {
    row.forEach((value, x) => image.data.set([...colour(value, y, x), 255], 4 * (y * row.length + x)));
  });
  context.putImageData(image, 0, 0);
}

function mixed(one, other, share) {
  return one.map((value, i) => value + (other[i] - value) * share);
}
