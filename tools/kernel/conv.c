// What "mini" spends its time on, on float32 maps laid out row, column, channel: a convolution with its ReLU, and a
// 2 × 2 max pooling. No libc and no allocator: the page lays out the memory (compute/convolution.js).
//
// A map of h × w has a border of one zero cell round it: [h + 2][w + 2][channels]. So the three cells under one row of
// the window are 3 · cin numbers side by side, and a 3 × 3 convolution is three dot products of that length.
//
// `python -m tools.kernel` compiles it, and writes what comes out into compute/kernel.js.
#include <wasm_simd128.h>

// Cells and output channels that are summed up at a time. 4 × 8 sums are 8 vectors, which stay in registers; with
// 6 × 8 V8 puts some of them into memory, and is 1.4 times slower.
#define CELLS 4
#define BLOCK 8
#define UNROLLED _Pragma("unroll")

static inline v128_t add(v128_t a, v128_t b) { return wasm_f32x4_add(a, b); }
static inline v128_t sub(v128_t a, v128_t b) { return wasm_f32x4_sub(a, b); }
static inline v128_t largest(v128_t a, v128_t b) { return wasm_f32x4_pmax(a, b); }

static inline v128_t multiply_add(v128_t a, v128_t b, v128_t sum) {
#ifdef __wasm_relaxed_simd__
  return wasm_f32x4_relaxed_madd(a, b, sum);
#else
  return add(wasm_f32x4_mul(a, b), sum);
#endif
}

// The dot products of CELLS cells, `step` numbers apart, with BLOCK outputs: added to the sums.
static inline __attribute__((always_inline)) void add_products(v128_t sum[CELLS][2], const float *cell, int step,
                                                               const float *weight, int count) {
  for (int i = 0; i < count; i++, cell++, weight += BLOCK) {
    const v128_t weight0 = wasm_v128_load(weight), weight1 = wasm_v128_load(weight + 4);
    UNROLLED for (int k = 0; k < CELLS; k++) {
      const v128_t value = wasm_v128_load32_splat(cell + k * step);
      sum[k][0] = multiply_add(value, weight0, sum[k][0]);
      sum[k][1] = multiply_add(value, weight1, sum[k][1]);
    }
  }
}

static inline void store(float *to, v128_t value, int relu) {
  wasm_v128_store(to, relu ? largest(wasm_f32x4_const_splat(0), value) : value);
}

// Rows y0 … y1 - 1 of a convolution with windows of size × size, 1 or 3.
//   in       [h + 2][w + 2][cin], zeros all round
//   weights  [cout / BLOCK][size][size · cin][BLOCK]: in the order in which they are read
//   bias     [cout]
//   out      [h + 2][w + 2][cout]; its border is left alone
// w must be at least CELLS, cout a multiple of BLOCK.
__attribute__((export_name("conv"))) void conv(const float *in, const float *weights, const float *bias, float *out,
                                               int w, int cin, int cout, int size, int relu, int y0, int y1) {
  const int stride = (w + 2) * cin, inner = size * cin, first = size == 3 ? 0 : 1;
  for (int block = 0; block < cout; block += BLOCK) {
    const float *const of_block = weights + block * size * inner;
    const v128_t bias0 = wasm_v128_load(bias + block), bias1 = wasm_v128_load(bias + block + 4);
    for (int y = y0; y < y1; y++) {
      for (int left = 0; left < w; left += CELLS) {
        const int x = left + CELLS <= w ? left : w - CELLS;  // the last cells overlap those before
        v128_t sum[CELLS][2];
        UNROLLED for (int k = 0; k < CELLS; k++) sum[k][0] = bias0, sum[k][1] = bias1;
        for (int dy = 0; dy < size; dy++) {
          add_products(sum, in + (y + first + dy) * stride + (x + first) * cin, cin, of_block + dy * inner * BLOCK, inner);
        }
        float *to = out + ((y + 1) * (w + 2) + x + 1) * cout + block;
        UNROLLED for (int k = 0; k < CELLS; k++, to += cout) store(to, sum[k][0], relu), store(to + 4, sum[k][1], relu);
      }
    }
  }
}

// The same for 3 × 3 windows with 2.25 times fewer multiplications: Winograd's F(2 × 2, 3 × 3), from Lavin and Gray 2015
// (arXiv 1509.09308), section 4.1. Four outputs side by side, 2 × 2, see 4 × 4 cells, and take 36 multiplications for a
// channel. Sums and differences of these cells, multiplied by sums and differences of the weights, take 16:
//   along one axis, cells a b c d and weights p q r:
//     (a - c) p,  (b + c) (p + q + r) / 2,  (c - b) (p - q + r) / 2,  (b - d) r      4 products m0 … m3 instead of 6
//     m0 + m1 + m2 = a p + b q + c r        m1 - m2 - m3 = b p + c q + d r
// and the same along the other axis. The weights have been turned into 4 × 4 before (compute/convolution.js).

// Four cells along an axis → the four factors.
static inline void factors(v128_t a, v128_t b, v128_t c, v128_t d, v128_t to[4]) {
  to[0] = sub(a, c), to[1] = add(b, c), to[2] = sub(c, b), to[3] = sub(b, d);
}

// The 4 × 4 cells whose corner is `in`, all channels: [4 · 4][cin].
static void factors_of_tile(const float *in, int stride, int cin, float *to) {
  for (int i = 0; i < cin; i += 4) {
    v128_t half[4][4];  // along y: [column][4]
    UNROLLED for (int x = 0; x < 4; x++) {
      const float *cell = in + x * cin + i;
      factors(wasm_v128_load(cell), wasm_v128_load(cell + stride), wasm_v128_load(cell + 2 * stride),
              wasm_v128_load(cell + 3 * stride), half[x]);
    }
    UNROLLED for (int y = 0; y < 4; y++) {
      v128_t whole[4];
      factors(half[0][y], half[1][y], half[2][y], half[3][y], whole);
      UNROLLED for (int x = 0; x < 4; x++) wasm_v128_store(to + (4 * y + x) * cin + i, whole[x]);
    }
  }
}

// The 4 × 4 products of a tile, for four outputs, → the 2 × 2 results.
static inline void results(const v128_t product[16][CELLS][2], int k, int half, v128_t to[4]) {
  v128_t along[2][4];
  UNROLLED for (int x = 0; x < 4; x++) {
    const v128_t m0 = product[x][k][half], m1 = product[4 + x][k][half], m2 = product[8 + x][k][half];
    along[0][x] = add(add(m0, m1), m2), along[1][x] = sub(sub(m1, m2), product[12 + x][k][half]);
  }
  UNROLLED for (int y = 0; y < 2; y++) {
    const v128_t *m = along[y];
    to[2 * y] = add(add(m[0], m[1]), m[2]), to[2 * y + 1] = sub(sub(m[1], m[2]), m[3]);
  }
}

// Tile rows t0 … t1 - 1, each of two rows of the map. As `conv` but for:
//   weights  [cout / BLOCK][4 · 4][cin][BLOCK], turned
//   factor   room for the factors, [tiles][4 · 4][cin], and for those of CELLS - 1 tiles more
// cin must be a multiple of 4. Of a map with an odd side the last tiles reach one row or column beyond its border, and
// CELLS tiles at a time may be more than there are: what is read there only enters results that are not written.
__attribute__((export_name("winograd"))) void winograd(const float *in, const float *weights, const float *bias,
                                                       float *out, float *factor, int h, int w, int cin, int cout,
                                                       int relu, int t0, int t1) {
  const int across = (w + 1) / 2, tiles = (t1 - t0) * across, stride = (w + 2) * cin;
  for (int n = 0; n < tiles; n++) {
    const int y = 2 * (t0 + n / across), x = 2 * (n % across);
    factors_of_tile(in + y * stride + x * cin, stride, cin, factor + n * 16 * cin);
  }
  for (int block = 0; block < cout; block += BLOCK) {
    const float *const of_block = weights + block * 16 * cin;
    for (int first = 0; first < tiles; first += CELLS) {
      v128_t product[16][CELLS][2];
      for (int i = 0; i < 16; i++) {
        v128_t sum[CELLS][2];
        UNROLLED for (int k = 0; k < CELLS; k++) sum[k][0] = sum[k][1] = wasm_f32x4_const_splat(0);
        add_products(sum, factor + (first * 16 + i) * cin, 16 * cin, of_block + i * cin * BLOCK, cin);
        UNROLLED for (int k = 0; k < CELLS; k++) product[i][k][0] = sum[k][0], product[i][k][1] = sum[k][1];
      }
      for (int k = 0; k < CELLS && first + k < tiles; k++) {
        const int y = 2 * (t0 + (first + k) / across), x = 2 * ((first + k) % across);
        for (int half = 0; half < 2; half++) {
          v128_t of[4];
          results(product, k, half, of);
          const v128_t start = wasm_v128_load(bias + block + 4 * half);
          for (int i = 0; i < 4; i++) {
            if (y + i / 2 >= h || x + i % 2 >= w) continue;
            store(out + ((y + 1 + i / 2) * (w + 2) + x + 1 + i % 2) * cout + block + 4 * half, add(of[i], start), relu);
          }
        }
      }
    }
  }
}

// Rows y0 … y1 - 1 of a pooling: in [h + 2][w + 2][c] → out [oh + 2][ow + 2][c], c a multiple of 4. What lies beyond the
// last row or column is the zero border, which never wins against what comes out of a ReLU. So rounding up (ceil_mode)
// needs nothing more than an oh and ow that are rounded up.
__attribute__((export_name("pool"))) void pool(const float *in, float *out, int w, int ow, int c, int y0, int y1) {
  const int stride = (w + 2) * c;
  for (int y = y0; y < y1; y++) {
    for (int x = 0; x < ow; x++) {
      const float *from = in + (2 * y + 1) * stride + (2 * x + 1) * c;
      float *to = out + ((y + 1) * (ow + 2) + x + 1) * c;
      for (int i = 0; i < c; i += 4) {
        const v128_t upper = largest(wasm_v128_load(from + i), wasm_v128_load(from + i + c));
        const v128_t lower = largest(wasm_v128_load(from + i + stride), wasm_v128_load(from + i + stride + c));
        wasm_v128_store(to + i, largest(upper, lower));
      }
    }
  }
}
