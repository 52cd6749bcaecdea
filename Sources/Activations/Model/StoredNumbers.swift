extension LayerActivations {
  /// The stored numbers of some neighboring examples in float64: examples × features, row by row, before
  /// any pooling. 64-bit integers beyond 2⁵³ are rounded.
  ///
  /// Throws where the layer lacks some of the examples, or where its features have several axes, whose order
  /// is another one in each memory order.
  public func numbers(of examples: Range<Int>) throws(ActivationReadError) -> [Double] {
    guard shape.featureAxes.count <= 1 else {
      throw ActivationReadError(
        path: "layer \(name)",
        reason: "has \(shape.featureAxes.count) axes of features, expected one at most")
    }
    for example in [examples.first, examples.last].compactMap({ $0 }) { _ = try row(example) }
    let (count, size) = (shape.featureCount, scalarType.size)
    var numbers: [Double] = []
    numbers.reserveCapacity(examples.count * count)
    let row = UnsafeMutableRawBufferPointer.allocate(byteCount: bytesPerExample, alignment: 16)
    defer { row.deallocate() }
    if memoryOrder == .columnMajor { try check() }
    for example in examples {
      switch memoryOrder {
      case .rowMajor:
        if let start = row.baseAddress {
          try read(0..<bytesPerExample, of: example, into: start)
        }
      case .columnMajor:
        let (start, stride) = try self.row(example)
        for feature in 0..<count {
          let source = UnsafeRawBufferPointer(start: start + feature * stride, count: size)
          UnsafeMutableRawBufferPointer(rebasing: row[feature * size..<(feature + 1) * size])
            .copyMemory(from: source)
        }
      }
      guard let first = row.baseAddress else { continue }
      for feature in 0..<count {
        numbers.append(scalarType.number(at: first + feature * size, isSwapped: isByteSwapped))
      }
    }
    return numbers
  }
}

extension ScalarType {
  /// The number at `place`, in this machine's byte order or not.
  package func number(at place: UnsafeRawPointer, isSwapped: Bool) -> Double {
    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer {
      let stored = place.loadUnaligned(as: type)
      return isSwapped ? stored.byteSwapped : stored
    }
    switch self {
    case .float16: return Double(Float16(bitPattern: integer(UInt16.self)))
    case .bfloat16: return Double(Float(bitPattern: UInt32(integer(UInt16.self)) << 16))
    case .float32: return Double(Float(bitPattern: integer(UInt32.self)))
    case .float64: return Double(bitPattern: integer(UInt64.self))
    case .float8e4m3: return ScalarType.float8e4m3(integer(UInt8.self))
    case .float8e5m2: return ScalarType.float8e5m2(integer(UInt8.self))
    case .int8: return Double(integer(Int8.self))
    case .int16: return Double(integer(Int16.self))
    case .int32: return Double(integer(Int32.self))
    case .int64: return Double(integer(Int64.self))
    case .uint8: return Double(integer(UInt8.self))
    case .uint16: return Double(integer(UInt16.self))
    case .uint32: return Double(integer(UInt32.self))
    case .uint64: return Double(integer(UInt64.self))
    case .bool: return integer(UInt8.self) == 0 ? 0 : 1
    }
  }
}
