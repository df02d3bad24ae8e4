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

static inline v128_t multiply_add(v128_t a, v128_t b, v128_t sum) {
#ifdef __wasm_relaxed_simd__
  return wasm_f32x4_relaxed_madd(a, b, sum);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), sum);
#endif
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
  const v128_t zero = wasm_f32x4_const_splat(0);
  for (int block = 0; block < cout; block += BLOCK) {
    const float *const of_block = weights + block * size * inner;
    const v128_t bias0 = wasm_v128_load(bias + block), bias1 = wasm_v128_load(bias + block + 4);
    for (int y = y0; y < y1; y++) {
      for (int left = 0; left < w; left += CELLS) {
        const int x = left + CELLS <= w ? left : w - CELLS;  // the last cells overlap those before
        v128_t sum[CELLS][2];
#pragma unroll
        for (int k = 0; k < CELLS; k++) sum[k][0] = bias0, sum[k][1] = bias1;
        const float *weight = of_block;
        for (int dy = 0; dy < size; dy++) {
          const float *cell = in + (y + first + dy) * stride + (x + first) * cin;
          for (int i = 0; i < inner; i++, cell++, weight += BLOCK) {
            const v128_t weight0 = wasm_v128_load(weight), weight1 = wasm_v128_load(weight + 4);
#pragma unroll
            for (int k = 0; k < CELLS; k++) {
              const v128_t value = wasm_v128_load32_splat(cell + k * cin);
              sum[k][0] = multiply_add(value, weight0, sum[k][0]);
              sum[k][1] = multiply_add(value, weight1, sum[k][1]);
            }
          }
        }
        float *to = out + ((y + 1) * (w + 2) + x + 1) * cout + block;
#pragma unroll
        for (int k = 0; k < CELLS; k++, to += cout) {
          wasm_v128_store(to, relu ? wasm_f32x4_pmax(zero, sum[k][0]) : sum[k][0]);
          wasm_v128_store(to + 4, relu ? wasm_f32x4_pmax(zero, sum[k][1]) : sum[k][1]);
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
        const v128_t upper = wasm_f32x4_pmax(wasm_v128_load(from + i), wasm_v128_load(from + i + c));
        const v128_t lower = wasm_f32x4_pmax(wasm_v128_load(from + i + stride), wasm_v128_load(from + i + stride + c));
        wasm_v128_store(to + i, wasm_f32x4_pmax(upper, lower));
      }
    }
  }
}
