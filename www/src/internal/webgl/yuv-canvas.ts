/**
 * Draws decoded pictures into a canvas of the worker by WebGL2: planes of Y, U and V by a shader, and `VideoFrame`s as the
 * browser converts them. Where there is no WebGL2 it draws the same in 2D, planes by the processor.
 *
 * Its one invariant: it keeps nothing of a picture but textures, and no texture that cannot be made anew. Whoever calls
 * `draw()` has the last picture, and draws it again after a new size or a lost context; the place is his as well.
 */
import type { Planes } from '../protocol.js';
import { BT470BG, BT2020, HLG, meaning, PQ, paint, shrunk, toRgb } from './yuv.js';

/** Chroma between two columns of luma sits on the left one (H.264 and H.265, where nothing else is said), between rows in the middle. */
const VERTEX = `#version 300 es
uniform vec4 chroma;
out vec2 y, c;
void main() {
  y = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  c = y * chroma.xy + chroma.zw;
  gl_Position = vec4(y.x * 2. - 1., 1. - y.y * 2., 0, 1);
}`;

const HEAD = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform sampler2D Y, U, V;
in vec2 y, c;
out vec4 o;
`;

const FRAME = `${HEAD}void main() { o = vec4(texture(Y, y).rgb, 1); }`;

/**
 * Above 8 bits a texture holds both bytes of a sample: its filter works on each, and their weighted sum is what it would make
 * of the sample.
 */
const PLANES = `${HEAD}uniform mat3 matrix;
uniform vec3 offset;
float at(sampler2D plane, vec2 p) { return dot(texture(plane, p).rg, vec2(1, 256)); }
vec3 rgb() { return matrix * (vec3(at(Y, y), at(U, c), at(V, c)) - offset); }
`;

const PLAIN = `${PLANES}void main() { o = vec4(rgb(), 1); }`;

/** Light of other primaries and of HDR, 1 being SDR's white (203 cd/m², BT.2408), on an sRGB screen. */
const WIDE = `${PLANES}uniform mat3 gamut;
uniform int curve;
vec3 light(vec3 v) {
  if (curve == ${PQ}) {
    v = pow(v, vec3(1. / 78.84375));
    return pow(max(v - .8359375, 0.) / (18.8515625 - 18.6875 * v), vec3(1. / .1593017578125)) * (1e4 / 203.);
  }
  if (curve == ${HLG}) {
    v = mix(v * v / 3., (exp((v - .55991073) / .17883277) + .28466892) / 12., step(.5, v));
    return v * pow(dot(v, vec3(.2627, .678, .0593)), .2) * (1e3 / 203.);
  }
  return mix(v / 12.92, pow((v + .055) / 1.055, vec3(2.4)), step(.04045, v));
}
void main() {
  vec3 v = light(clamp(rgb(), 0., 1.));
  if (curve == ${PQ} || curve == ${HLG}) {
    // Half up to white, and the highlights up to 1000 cd/m² into the other half: near to what Chromium makes of it.
    float p = max(v.r, max(v.g, v.b));
    v *= p > 1. ? (.5 + .5 * (p - 1.) / (1. + .7453 * (p - 1.))) / p : .5;
  }
  v = clamp(gamut * v, 0., 1.);
  o = vec4(mix(v * 12.92, 1.055 * pow(v, vec3(1. / 2.4)) - .055, step(.0031308, v)), 1);
}`;

/** From these primaries to BT.709, by columns. Those of 525 lines are near enough, for Chromium as well. */
const GAMUTS: Record<number, number[]> = {
  [BT470BG]: [1.044, 0, 0, -0.044, 1, 0.0118, 0, 0, 0.9882],
  [BT2020]: [1.6605, -0.1246, -0.0182, -0.5876, 1.1329, -0.1006, -0.0728, -0.0083, 1.1187],
};
const SAME = [1, 0, 0, 0, 1, 0, 0, 0, 1];

interface Plane {
  texture: WebGLTexture;
  width: number;
  height: number;
  format: number;
}

export class YuvCanvas {
  /** What draws, as in `PlayerStats`. */
  readonly renderer: 'webgl' | 'canvas';
  readonly #canvas: OffscreenCanvas;
  readonly #gl: WebGL2RenderingContext | null;
  readonly #flat: OffscreenCanvasRenderingContext2D | null = null;
  /** Of the picture's size, for what has to go through a 2D canvas. */
  #scratch: OffscreenCanvasRenderingContext2D | undefined;
  #pixels: ImageData | undefined;
  #planes: Plane[] = [];
  readonly #programs = new Map<string, WebGLProgram>();
  /** What the program in use was told, where it is one for planes. */
  #told = { key: 0, size: 0 };

  constructor(canvas: OffscreenCanvas) {
    this.#canvas = canvas;
    // Who asked for WebGL gets it; who has no other choice gets what is cheaper.
    this.#gl =
      typeof VideoFrame !== 'function' && isWebGlSlow()
        ? null
        : canvas.getContext('webgl2', { alpha: false, antialias: false, depth: false });
    if (!this.#gl) this.#flat = canvas.getContext('2d', { alpha: false });
    this.renderer = this.#gl ? 'webgl' : 'canvas';
    // A GPU that was reset takes everything with it, and gives a context back only to who asks for it.
    canvas.addEventListener('webglcontextlost', event => {
      event.preventDefault();
      this.#forget();
    });
  }

  /** The whole picture, from this left top corner on, which may be outside of the canvas; black around it. */
  draw(picture: VideoFrame | Planes, x: number, y: number, width: number, height: number): void {
    const [gl, flat] = [this.#gl, this.#flat];
    if (flat) {
      flat.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
      flat.drawImage('planes' in picture ? this.#painted(picture) : picture, x, y, width, height);
    }
    if (!gl || gl.isContextLost()) return;
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.viewport(x, this.#canvas.height - y - height, width, height);
    if ('planes' in picture) this.#takePlanes(gl, picture);
    else this.#takeFrame(gl, picture);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** What is on the screen stays there. */
  close(): void {
    for (const { texture } of this.#planes) this.#gl?.deleteTexture(texture);
    for (const program of this.#programs.values()) this.#gl?.deleteProgram(program);
    this.#forget();
  }

  #forget(): void {
    this.#planes = [];
    this.#programs.clear();
    this.#told.size = 0;
  }

  #takeFrame(gl: WebGL2RenderingContext, frame: VideoFrame): void {
    const plane = this.#bind(gl, 0);
    // Its texture is not of a plane any more.
    plane.format = 0;
    // Chromium converts other primaries and HDR in 2D, and with a GPU leaves them as they are here.
    const wide = (frame.colorSpace.primaries as string | null) === 'bt2020';
    const source = wide ? this.#flattened(frame) : frame;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
    this.#use(gl, FRAME);
    this.#told.size = 0;
  }

  #takePlanes(gl: WebGL2RenderingContext, picture: Planes): void {
    const { planes, width, height, bitDepth, chromaShiftX, chromaShiftY } = picture;
    const bytes = bitDepth > 8 ? 2 : 1;
    const [across, down] = [shrunk(width, chromaShiftX), shrunk(height, chromaShiftY)];
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    for (let i = 0; i < 3; i++) {
      // A grey one that has no chroma needs something in its place.
      const plane = planes[i] ?? planes[0];
      if (plane) this.#upload(gl, i, i ? across : width, i ? down : height, bytes, plane);
    }
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
    this.#means(gl, picture, across, down);
  }

  #upload(
    gl: WebGL2RenderingContext,
    unit: number,
    width: number,
    height: number,
    bytes: number,
    { data, stride }: Planes['planes'][0],
  ): void {
    const plane = this.#bind(gl, unit);
    const format = bytes > 1 ? gl.RG : gl.RED;
    if (plane.width !== width || plane.height !== height || plane.format !== format) {
      Object.assign(plane, { width, height, format });
      const room = bytes > 1 ? gl.RG8 : gl.R8;
      gl.texImage2D(gl.TEXTURE_2D, 0, room, width, height, 0, format, gl.UNSIGNED_BYTE, null);
    }
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, stride / bytes);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, format, gl.UNSIGNED_BYTE, data);
  }

  /** The texture of this unit, which is the active one from now on. */
  #bind(gl: WebGL2RenderingContext, unit: number): Plane {
    gl.activeTexture(gl.TEXTURE0 + unit);
    let plane = this.#planes[unit];
    if (!plane) {
      plane = { texture: gl.createTexture(), width: 0, height: 0, format: 0 };
      this.#planes[unit] = plane;
      gl.bindTexture(gl.TEXTURE_2D, plane.texture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    }
    return plane;
  }

  /** Makes ready the program for planes, with what the picture's numbers mean. */
  #means(gl: WebGL2RenderingContext, picture: Planes, across: number, down: number): void {
    const { colour, width, height, chromaShiftX, chromaShiftY, planes } = picture;
    const { primaries, transfer, matrix, fullRange } = colour;
    // As numbers: nothing is allocated for a picture like the last one.
    const shape = (picture.bitDepth * 4 + chromaShiftX) * 4 + chromaShiftY + planes.length * 1024;
    const key = (((primaries * 256 + transfer) * 256 + matrix) * 2 + (fullRange ? 1 : 0)) * 8192 + shape;
    const size = width * 65536 + height;
    if (this.#told.key === key && this.#told.size === size) return;
    const meant = meaning(colour, height);
    const hdr = meant.transfer === PQ || meant.transfer === HLG;
    const gamut = GAMUTS[meant.primaries];
    const program = this.#use(gl, gamut || hdr ? WIDE : PLAIN);
    const uniform = (name: string) => gl.getUniformLocation(program, name);
    const { matrix: rows, offset } = toRgb(meant, picture);
    gl.uniformMatrix3fv(uniform('matrix'), false, rows);
    gl.uniform3fv(uniform('offset'), offset);
    const [x, y] = [1 / 2 ** chromaShiftX, 1 / 2 ** chromaShiftY];
    gl.uniform4f(uniform('chroma'), (x * width) / across, (y * height) / down, (0.5 - x / 2) / across, 0);
    gl.uniformMatrix3fv(uniform('gamut'), false, gamut ?? SAME);
    gl.uniform1i(uniform('curve'), transfer);
    this.#told.key = key;
    this.#told.size = size;
  }

  #use(gl: WebGL2RenderingContext, source: string): WebGLProgram {
    let program = this.#programs.get(source);
    if (!program) {
      program = build(gl, source);
      this.#programs.set(source, program);
    }
    gl.useProgram(program);
    return program;
  }

  #flattened(frame: VideoFrame): OffscreenCanvas {
    const scratch = this.#room(frame.displayWidth, frame.displayHeight);
    scratch.drawImage(frame, 0, 0, frame.displayWidth, frame.displayHeight);
    return scratch.canvas;
  }

  /** Without WebGL, which then nobody has for other primaries and HDR either: these stay as they are. */
  #painted(planes: Planes): OffscreenCanvas {
    const { width, height } = planes;
    const scratch = this.#room(width, height);
    if (this.#pixels?.width !== width || this.#pixels.height !== height) {
      this.#pixels = new ImageData(width, height);
    }
    paint(planes, this.#pixels.data);
    scratch.putImageData(this.#pixels, 0, 0);
    return scratch.canvas;
  }

  #room(width: number, height: number): OffscreenCanvasRenderingContext2D {
    const { canvas } = this.#scratch ?? {};
    if (this.#scratch && canvas?.width === width && canvas.height === height) return this.#scratch;
    const scratch = new OffscreenCanvas(width, height).getContext('2d', { alpha: false });
    if (!scratch) throw new Error('there is no 2D canvas');
    this.#scratch = scratch;
    return scratch;
  }
}

let slow: boolean | undefined;

/**
 * Whether the processor does WebGL's work: that takes more than twice of what it takes without. A context of its own tells,
 * for a canvas has one for good, and `failIfMajorPerformanceCaveat` tells nothing of SwiftShader.
 */
function isWebGlSlow(): boolean {
  if (slow === undefined) {
    const gl = new OffscreenCanvas(1, 1).getContext('webgl2');
    const plain = gl?.getParameter(gl.RENDERER);
    // Chromium and WebKit say this of all; to ask Firefox for the extension is a warning on the console.
    const more = plain === 'WebKit WebGL' ? gl?.getExtension('WEBGL_debug_renderer_info') : null;
    const name = more ? gl?.getParameter(more.UNMASKED_RENDERER_WEBGL) : plain;
    slow = /swiftshader|llvmpipe|software|basic render/i.test(`${name}`);
  }
  return slow;
}

function build(gl: WebGL2RenderingContext, source: string): WebGLProgram {
  const program = gl.createProgram();
  const texts = [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].map((type, i) => {
    const shader = gl.createShader(type) as WebGLShader;
    gl.shaderSource(shader, i ? source : VERTEX);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
    return () => gl.getShaderInfoLog(shader);
  });
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`WebGL: ${gl.getProgramInfoLog(program)} ${texts.map(text => text())}`);
  }
  gl.useProgram(program);
  ['Y', 'U', 'V'].forEach((name, unit) => {
    gl.uniform1i(gl.getUniformLocation(program, name), unit);
  });
  return program;
}
