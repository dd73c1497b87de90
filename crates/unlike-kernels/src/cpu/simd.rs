//! Vectors of the instruction sets that the tile of the matrix product is written for.
//!
//! Everything else is plain loops over slices, which the compiler vectorises for each set.

/// The operations of one instruction set; every method needs a CPU that has it.
pub(crate) trait Simd: Copy {
    /// A vector of [`LANES`](Self::LANES) `f32`.
    type Vector: Copy;
    const LANES: usize;
    /// Vectors that a tile may be wide, so that its sums stay in registers.
    const WIDTH: usize;
    /// Whether [`fma`](Self::fma) rounds once.
    const FUSED: bool;

    unsafe fn zero() -> Self::Vector;
    unsafe fn splat(value: f32) -> Self::Vector;
    unsafe fn load(from: *const f32) -> Self::Vector;
    unsafe fn store(to: *mut f32, vector: Self::Vector);
    /// Loads `lanes < LANES` elements and zeros; touches no memory after them.
    unsafe fn load_part(from: *const f32, lanes: usize) -> Self::Vector;
    /// Stores the first `lanes < LANES` elements.
    unsafe fn store_part(to: *mut f32, lanes: usize, vector: Self::Vector);
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`
    unsafe fn fma(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// Asks for the cache line at `from`, which need not be valid; nothing where that is not known.
    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        _ = from;
    }
    /// `sum + block · x` for the block of `LANES` × `LANES` that begins at `at` in each of these rows:
    /// a chain of multiply–adds for each row, over the columns in order.
    #[inline(always)]
    unsafe fn fma_columns(
        rows: &[*const f32],
        at: usize,
        x: *const f32,
        mut sum: Self::Vector,
    ) -> Self::Vector {
        /// The lanes of any instruction set that has no transpose of its own.
        const MOST: usize = 4;
        const { assert!(Self::LANES <= MOST) };
        for i in 0..Self::LANES {
            let mut column = [0.0_f32; MOST];
            // SAFETY: the block and the `LANES` elements of `x` are the caller's, and so is the
            // choice of the instruction set.
            unsafe {
                for (value, row) in column.iter_mut().zip(rows) {
                    *value = *row.add(at + i);
                }
                sum = Self::fma(Self::load(column.as_ptr()), Self::splat(*x.add(i)), sum);
            }
        }
        sum
    }
    /// Transposes a block of `LANES` × `LANES`; the steps are from row to row.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        for i in 0..Self::LANES {
            for j in 0..Self::LANES {
                // SAFETY: both blocks are the caller's.
                unsafe { *to.add(j * to_step + i) = *from.add(i * from_step + j) };
            }
        }
    }

    /// `a * b + c` of single numbers, rounded as in [`fma`](Self::fma).
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        if Self::FUSED {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    /// AVX-512 F.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    impl Simd for Avx512 {
        type Vector = __m512;
        const LANES: usize = 16;
        const WIDTH: usize = 4;
        const FUSED: bool = true;

        #[inline(always)]
        unsafe fn zero() -> __m512 {
            // SAFETY: the caller's CPU has AVX-512, as for every method of this implementation.
            unsafe { _mm512_setzero_ps() }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> __m512 {
            // SAFETY: see `zero`.
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            // SAFETY: see `zero`; the caller owns 16 elements there.
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, vector: __m512) {
            // SAFETY: see `zero`; the caller owns 16 elements there.
            unsafe { _mm512_storeu_ps(to, vector) }
        }
        #[inline(always)]
        unsafe fn load_part(from: *const f32, lanes: usize) -> __m512 {
            // SAFETY: see `zero`; masked lanes are not touched.
            unsafe { _mm512_maskz_loadu_ps(((1_u32 << lanes) - 1) as u16, from) }
        }
        #[inline(always)]
        unsafe fn store_part(to: *mut f32, lanes: usize, vector: __m512) {
            // SAFETY: see `zero`; masked lanes are not touched.
            unsafe { _mm512_mask_storeu_ps(to, ((1_u32 << lanes) - 1) as u16, vector) }
        }
        #[inline(always)]
        unsafe fn add(a: __m512, b: __m512) -> __m512 {
            // SAFETY: see `zero`.
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: see `zero`.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            // SAFETY: a hint, for any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }
        #[inline(always)]
        unsafe fn fma_columns(
            rows: &[*const f32],
            at: usize,
            x: *const f32,
            mut sum: __m512,
        ) -> __m512 {
            // SAFETY: see `zero`; the block and the 16 elements of `x` are the caller's.
            unsafe {
                let columns = columns512(|i| rows[i].add(at));
                for (i, column) in columns.into_iter().enumerate() {
                    sum = _mm512_fmadd_ps(column, _mm512_set1_ps(*x.add(i)), sum);
                }
            }
            sum
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
            // SAFETY: see `zero`; both blocks are the caller's.
            unsafe {
                let columns = columns512(|i| from.add(i * from_step));
                for (i, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(to.add(i * to_step), column);
                }
            }
        }
    }

    /// The columns of a block of 16 × 16, of which `row` gives the rows.
    ///
    /// # Safety
    /// The CPU has AVX-512, and the block is the caller's.
    #[inline(always)]
    unsafe fn columns512(row: impl Fn(usize) -> *const f32) -> [__m512; 16] {
        // SAFETY: as the caller vouches.
        unsafe {
            // Four rows at a time: `quads[g][e]` holds, in its lane `l`, the elements `4 l + e`
            // of rows `4 g` to `4 g + 3`.
            let mut quads = [[_mm512_setzero_ps(); 4]; 4];
            for (g, quads) in quads.iter_mut().enumerate() {
                let a = _mm512_loadu_ps(row(4 * g));
                let b = _mm512_loadu_ps(row(4 * g + 1));
                let c = _mm512_loadu_ps(row(4 * g + 2));
                let d = _mm512_loadu_ps(row(4 * g + 3));
                let ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
                let ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
                let cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
                let cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
                quads[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_low, cd_low));
                quads[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_low, cd_low));
                quads[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high));
                quads[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high));
            }
            // Then the lanes with one index are brought together: 0x88 takes the even lanes
            // of both operands, 0xdd the odd ones.
            let mut columns = [_mm512_setzero_ps(); 16];
            for e in 0..4 {
                let even = _mm512_shuffle_f32x4::<0x88>(quads[0][e], quads[1][e]);
                let odd = _mm512_shuffle_f32x4::<0xdd>(quads[0][e], quads[1][e]);
                let high_even = _mm512_shuffle_f32x4::<0x88>(quads[2][e], quads[3][e]);
                let high_odd = _mm512_shuffle_f32x4::<0xdd>(quads[2][e], quads[3][e]);
                columns[e] = _mm512_shuffle_f32x4::<0x88>(even, high_even);
                columns[4 + e] = _mm512_shuffle_f32x4::<0x88>(odd, high_odd);
                columns[8 + e] = _mm512_shuffle_f32x4::<0xdd>(even, high_even);
                columns[12 + e] = _mm512_shuffle_f32x4::<0xdd>(odd, high_odd);
            }
            columns
        }
    }

    /// AVX2 with FMA.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    #[inline(always)]
    unsafe fn mask(lanes: usize) -> __m256i {
        const ONES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        // SAFETY: `lanes <= 8`, so that the eight elements lie within the table; the caller's CPU
        // has AVX2.
        unsafe { _mm256_loadu_si256(ONES.as_ptr().add(8 - lanes).cast()) }
    }

    impl Simd for Avx2 {
        type Vector = __m256;
        const LANES: usize = 8;
        const WIDTH: usize = 2;
        const FUSED: bool = true;

        #[inline(always)]
        unsafe fn zero() -> __m256 {
            // SAFETY: the caller's CPU has AVX2 and FMA, as for every method here.
            unsafe { _mm256_setzero_ps() }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> __m256 {
            // SAFETY: see `zero`.
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m256 {
            // SAFETY: see `zero`; the caller owns 8 elements there.
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, vector: __m256) {
            // SAFETY: see `zero`; the caller owns 8 elements there.
            unsafe { _mm256_storeu_ps(to, vector) }
        }
        #[inline(always)]
        unsafe fn load_part(from: *const f32, lanes: usize) -> __m256 {
            // SAFETY: see `zero`; masked lanes are not touched.
            unsafe { _mm256_maskload_ps(from, mask(lanes)) }
        }
        #[inline(always)]
        unsafe fn store_part(to: *mut f32, lanes: usize, vector: __m256) {
            // SAFETY: see `zero`; masked lanes are not touched.
            unsafe { _mm256_maskstore_ps(to, mask(lanes), vector) }
        }
        #[inline(always)]
        unsafe fn add(a: __m256, b: __m256) -> __m256 {
            // SAFETY: see `zero`.
            unsafe { _mm256_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: see `zero`.
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            // SAFETY: a hint, for any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }
        #[inline(always)]
        unsafe fn fma_columns(
            rows: &[*const f32],
            at: usize,
            x: *const f32,
            mut sum: __m256,
        ) -> __m256 {
            // SAFETY: see `zero`; the block and the 8 elements of `x` are the caller's.
            unsafe {
                let columns = columns256(|i| rows[i].add(at));
                for (i, column) in columns.into_iter().enumerate() {
                    sum = _mm256_fmadd_ps(column, _mm256_set1_ps(*x.add(i)), sum);
                }
            }
            sum
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
            // SAFETY: see `zero`; both blocks are the caller's.
            unsafe {
                let columns = columns256(|i| from.add(i * from_step));
                for (i, column) in columns.into_iter().enumerate() {
                    _mm256_storeu_ps(to.add(i * to_step), column);
                }
            }
        }
    }

    /// The columns of a block of 8 × 8, of which `row` gives the rows.
    ///
    /// # Safety
    /// The CPU has AVX2, and the block is the caller's.
    #[inline(always)]
    unsafe fn columns256(row: impl Fn(usize) -> *const f32) -> [__m256; 8] {
        // SAFETY: as the caller vouches.
        unsafe {
            let mut quads = [[_mm256_setzero_ps(); 4]; 2];
            for (g, quads) in quads.iter_mut().enumerate() {
                let a = _mm256_loadu_ps(row(4 * g));
                let b = _mm256_loadu_ps(row(4 * g + 1));
                let c = _mm256_loadu_ps(row(4 * g + 2));
                let d = _mm256_loadu_ps(row(4 * g + 3));
                let ab_low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
                let ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
                let cd_low = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
                let cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
                quads[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_low, cd_low));
                quads[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_low, cd_low));
                quads[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high));
                quads[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high));
            }
            let mut columns = [_mm256_setzero_ps(); 8];
            for e in 0..4 {
                let (a, b) = (quads[0][e], quads[1][e]);
                columns[e] = _mm256_permute2f128_ps::<0x20>(a, b);
                columns[4 + e] = _mm256_permute2f128_ps::<0x31>(a, b);
            }
            columns
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(crate) mod arm {
    use super::Simd;
    use std::arch::aarch64::*;

    /// NEON, which every 64-bit ARM has.
    #[derive(Clone, Copy)]
    pub(crate) struct Neon;

    impl Simd for Neon {
        type Vector = float32x4_t;
        const LANES: usize = 4;
        const WIDTH: usize = 4;
        const FUSED: bool = true;

        #[inline(always)]
        unsafe fn zero() -> float32x4_t {
            // SAFETY: NEON is part of the target, as for every method here.
            unsafe { vdupq_n_f32(0.0) }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> float32x4_t {
            // SAFETY: see `zero`.
            unsafe { vdupq_n_f32(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> float32x4_t {
            // SAFETY: see `zero`; the caller owns 4 elements there.
            unsafe { vld1q_f32(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, vector: float32x4_t) {
            // SAFETY: see `zero`; the caller owns 4 elements there.
            unsafe { vst1q_f32(to, vector) }
        }
        #[inline(always)]
        unsafe fn load_part(from: *const f32, lanes: usize) -> float32x4_t {
            let mut copy = [0.0; 4];
            // SAFETY: see `zero`; `lanes < 4` elements are copied.
            unsafe {
                std::ptr::copy_nonoverlapping(from, copy.as_mut_ptr(), lanes);
                vld1q_f32(copy.as_ptr())
            }
        }
        #[inline(always)]
        unsafe fn store_part(to: *mut f32, lanes: usize, vector: float32x4_t) {
            let mut copy = [0.0; 4];
            // SAFETY: see `zero`; `lanes < 4` elements are copied.
            unsafe {
                vst1q_f32(copy.as_mut_ptr(), vector);
                std::ptr::copy_nonoverlapping(copy.as_ptr(), to, lanes);
            }
        }
        #[inline(always)]
        unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: see `zero`.
            unsafe { vaddq_f32(a, b) }
        }
        #[inline(always)]
        unsafe fn fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
            // SAFETY: see `zero`.
            unsafe { vfmaq_f32(c, a, b) }
        }
    }
}

/// Any CPU: four lanes of plain arithmetic, two roundings in a multiply–add.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type Vector = [f32; 4];
    const LANES: usize = 4;
    const WIDTH: usize = 2;
    const FUSED: bool = false;

    #[inline(always)]
    unsafe fn zero() -> [f32; 4] {
        [0.0; 4]
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; 4] {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 4] {
        // SAFETY: the caller owns 4 elements there.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, vector: [f32; 4]) {
        // SAFETY: the caller owns 4 elements there.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(vector) }
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, lanes: usize) -> [f32; 4] {
        let mut vector = [0.0; 4];
        // SAFETY: the caller owns `lanes < 4` elements there.
        unsafe { std::ptr::copy_nonoverlapping(from, vector.as_mut_ptr(), lanes) };
        vector
    }
    #[inline(always)]
    unsafe fn store_part(to: *mut f32, lanes: usize, vector: [f32; 4]) {
        // SAFETY: the caller owns `lanes < 4` elements there.
        unsafe { std::ptr::copy_nonoverlapping(vector.as_ptr(), to, lanes) };
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn fma(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
}
