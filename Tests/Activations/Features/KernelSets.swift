import CPUKernels
import Foundation
import Testing

/// Every instruction set this processor can run; the last is the portable one.
let sets: [Int] = Array(0..<cka_cpu_kernels_count())

func table(_ index: Int) -> cka_cpu_kernels_table { cka_cpu_kernels(index).pointee }

/// Rows of `x` as the kernels want them: addresses, here not aligned to the type.
func withRows<T: BitwiseCopyable, R>(
  _ values: [T], n: Int, _ body: (UnsafePointer<UnsafeRawPointer>) -> R
) -> R {
  let size = MemoryLayout<T>.size
  let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: values.count * size + 1, alignment: 64)
  defer { memory.deallocate() }
  values.withUnsafeBytes {
    UnsafeMutableRawBufferPointer(rebasing: memory[1...]).copyMemory(from: $0)
  }
  let start = UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped) + 1
  let rows = (0..<n).map { start + $0 * (values.count / n) * size }
  return rows.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
}

/// Fills numbers around an output, to see that nothing else is written.
let sentinel: Float = -12345.5

/// Holds C, which was 1 everywhere, after C += A·Bᵀ for n × count numbers x and columns × count numbers y.
func expectProducts(
  in c: [Float], stride: Int, isLower: Bool, n: Int, columns: Int, count: Int,
  _ x: (Int, Int) -> Double, _ y: (Int, Int) -> Double
) {
  for i in 0..<n {
    for j in 0..<(isLower ? i + 1 : columns) {
      let terms = (0..<count).map { x(i, $0) * y(j, $0) }
      let expected = 1 + terms.reduce(0, +)
      // A sum of `count` products, each step rounded: count · 2⁻²⁴ of the sum of magnitudes.
      let bound = Double(count + 1) * 0x1p-24 * (1 + terms.reduce(0) { $0 + abs($1) })
      #expect(abs(Double(c[i * stride + j]) - expected) <= bound)
    }
  }
}

/// Expects the same bits everywhere in `all`, and in the lower triangle of `lower`: products of equal rows.
func expectEqualProducts(lower: [Float], all: [Float], n: Int, stride: Int) {
  for i in 0..<n {
    for j in 0..<n {
      #expect(all[i * stride + j] == all[0])
      if j <= i { #expect(lower[i * stride + j] == all[0]) }
    }
  }
}
