import Activations

extension LayerActivations {
  /// The same whole numbers from 0 to 99 as layers of every scalar type, in both byte orders and
  /// memory orders: `numbers` is exampleCount × the product of `featureAxes`, row by row. The first
  /// is float32.
  public static func ofEveryType(
    _ numbers: [Int], exampleCount n: Int, featureAxes axes: [Int]
  ) -> [LayerActivations] {
    let p = axes.reduce(1, *)
    precondition(numbers.count == n * p)
    func columns<T>(_ values: [T]) -> [T] {
      (0..<values.count).map { place in
        // Example fastest, then the feature axes from the first on.
        var (rest, feature, stride) = (place / n, 0, p)
        for axis in axes {
          stride /= axis
          feature += rest % axis * stride
          rest /= axis
        }
        return values[place % n * p + feature]
      }
    }
    func layer<T: BitwiseCopyable & Sendable>(
      _ type: ScalarType, _ values: [T], swapped: Bool = false, byColumns: Bool = false
    ) -> LayerActivations {
      LayerActivations(
        name: "\(type)\(swapped ? " swapped" : "")\(byColumns ? " by columns" : "")",
        values: byColumns ? columns(values) : values, scalarType: type, exampleCount: n,
        featureAxes: axes, isByteSwapped: swapped,
        memoryOrder: byColumns ? .columnMajor : .rowMajor)
    }
    return [
      layer(.float32, numbers.map { Float($0) }),
      layer(.float16, numbers.map { Float16($0) }),
      layer(.bfloat16, numbers.map { UInt16(Float($0).bitPattern >> 16) }),
      layer(.float64, numbers.map { Double($0) }),
      layer(.int8, numbers.map { Int8($0) }), layer(.uint8, numbers.map { UInt8($0) }),
      layer(.int16, numbers.map { Int16($0) }), layer(.uint16, numbers.map { UInt16($0) }),
      layer(.int32, numbers.map { Int32($0) }), layer(.uint32, numbers.map { UInt32($0) }),
      layer(.int64, numbers.map { Int64($0) }), layer(.uint64, numbers.map { UInt64($0) }),
      layer(.float32, numbers.map { Float($0).bitPattern.byteSwapped }, swapped: true),
      layer(.float32, numbers.map { Float($0) }, byColumns: true),
      layer(.int16, numbers.map { Int16($0).byteSwapped }, swapped: true, byColumns: true),
    ]
  }
}
