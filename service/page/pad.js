// The drawing pad: strokes by mouse, finger, pen or keyboard, kept as points, so that each can be undone and drawn at
// any size. It tells of "draw" while a stroke grows, of "rest" when one has ended or was undone.

/** Pixels along each side of the picture that is asked about: enough for the service, quick to encode. */
const SENT = 140;

/** Milliseconds between two "draw". */
const PAUSE = 70;

/** Of the pad's side, how far an arrow key goes. */
const STEP = 1 / 40;

export class Pad extends EventTarget {
  #canvas;
  #context;
  #sent;
  #strokes = [];
  #stroke = null;
  #pointer = null;
  #image = null;
  #cursor = null;
  #told = 0;
  #timer = 0;
  #frame = 0;

  constructor(canvas) {
    super();
    this.width = 0.075;
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { desynchronized: true });
    const sent = Object.assign(document.createElement("canvas"), { width: SENT, height: SENT });
    this.#sent = sent.getContext("2d", { willReadFrequently: true, alpha: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#hideCursor());
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
  }

  /** Whether nothing is drawn. A picture that is shown is no drawing. */
  get empty() {
    return this.#strokes.length === 0;
  }

  get shows() {
    return this.#image !== null;
  }

  /** Give the drawing as a data: URL, dark on white whatever the page's colours are. */
  picture() {
    const context = this.#sent;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SENT, SENT);
    context.strokeStyle = context.fillStyle = "#000";
    for (const stroke of this.#strokes) trace(context, stroke, SENT);
    return context.canvas.toDataURL("image/png");
  }

  undo() {
    this.#end();
    if (this.#strokes.pop()) this.#rest();
  }

  clear() {
    this.#end();
    this.#strokes = [];
    this.#image = null;
    this.#rest();
  }

  /** Show a picture that was not drawn here; the next stroke begins on clean paper. */
  show(image) {
    this.#end();
    this.#strokes = [];
    this.#image = image;
    this.#redraw();
  }

  #down(event) {
    if (this.#pointer !== null || event.button > 0) return;
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true, focusVisible: false });
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointer = event.pointerId;
    this.#hideCursor();
    this.#begin(this.#point(event));
  }

  #move(event) {
    if (event.pointerId !== this.#pointer || !this.#stroke) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) this.#add(this.#point(one));
  }

  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    if (this.#stroke) {
      this.#stroke = null;
      this.#rest();
    }
  }

  /** Give where an event is, from 0 to 1, and how wide the pen is there. */
  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const pressed = event.pointerType === "pen" && event.pressure > 0 ? 0.5 + event.pressure : 1;
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, this.width * pressed];
  }

  #begin(point) {
    this.#image = null;
    this.#stroke = [point];
    this.#strokes.push(this.#stroke);
    this.#drawn();
  }

  #add(point) {
    const [x, y] = this.#stroke.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < 0.004) return;
    this.#stroke.push(point);
    this.#drawn();
  }

  #end() {
    this.#stroke = null;
    if (this.#cursor) this.#cursor.down = false;
  }

  /** Tell of what is drawn: at once if that is some time ago, else when it is, with what there is then. */
  #drawn() {
    this.#redraw();
    if (this.#timer) return;
    const wait = Math.max(0, this.#told + PAUSE - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#told = performance.now();
      if (this.#stroke) this.dispatchEvent(new Event("draw"));
    }, wait);
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#redraw();
    this.dispatchEvent(new Event("rest"));
  }

  // The keyboard's pen

  #key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (by) this.#walk(by, event.shiftKey ? 3 * STEP : STEP);
    else if (event.key === " ") this.#press();
    else if (event.key === "Escape" && this.#cursor?.down) this.#press();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else return;
    event.preventDefault();
  }

  #walk([x, y], step) {
    this.#cursor ??= { x: 0.5, y: 0.25, down: false };
    this.#cursor.x = Math.min(0.95, Math.max(0.05, this.#cursor.x + x * step));
    this.#cursor.y = Math.min(0.95, Math.max(0.05, this.#cursor.y + y * step));
    if (this.#cursor.down) this.#add([this.#cursor.x, this.#cursor.y, this.width]);
    this.#redraw();
  }

  #press() {
    this.#cursor ??= { x: 0.5, y: 0.25, down: false };
    this.#cursor.down = !this.#cursor.down;
    if (this.#cursor.down) {
      this.#begin([this.#cursor.x, this.#cursor.y, this.width]);
    } else {
      this.#stroke = null;
      this.#rest();
    }
  }

  #hideCursor() {
    if (this.#cursor?.down) this.#press();
    this.#cursor = null;
    this.#redraw();
  }

  // What is seen

  #fit() {
    const side = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (side && side !== this.#canvas.width) {
      this.#canvas.width = this.#canvas.height = side;
      this.#paint();
    }
  }

  #redraw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint() {
    const context = this.#context;
    const side = this.#canvas.width;
    context.clearRect(0, 0, side, side);
    context.strokeStyle = context.fillStyle = getComputedStyle(this.#canvas).color;
    if (this.#image) {
      const scale = Math.min(side / this.#image.width, side / this.#image.height);
      const [w, h] = [this.#image.width * scale, this.#image.height * scale];
      context.drawImage(this.#image, (side - w) / 2, (side - h) / 2, w, h);
    }
    for (const stroke of this.#strokes) trace(context, stroke, side);
    if (this.#cursor) {
      const { x, y, down } = this.#cursor;
      context.beginPath();
      context.arc(x * side, y * side, (this.width * side) / 2 + 3, 0, 2 * Math.PI);
      context.lineWidth = down ? 5 : 2;
      context.stroke();
    }
  }
}

/** Draw a stroke: through the middles between its points by curves that the points bend, so that it has no corners. */
function trace(context, stroke, side) {
  const points = stroke.map(([x, y, w]) => [x * side, y * side, w * side]);
  const [x, y, w] = points[0];
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.arc(x, y, w / 2, 0, 2 * Math.PI);
  context.fill();
  let from = [x, y];
  for (let i = 1; i < points.length; i++) {
    const [bx, by, bw] = points[i - 1];
    const last = i === points.length - 1;
    const to = last ? points[i] : [(bx + points[i][0]) / 2, (by + points[i][1]) / 2];
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.quadraticCurveTo(bx, by, to[0], to[1]);
    context.lineWidth = bw;
    context.stroke();
    from = to;
  }
}
