import CPUKernels
import Foundation

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
