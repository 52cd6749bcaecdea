// How stored numbers are read one by one, of whatever type they are. `FeatureReader` reads them by the slab.

extension LayerActivations {
  /// Calls `body` with each of `examples`, in their order: where its numbers begin, and how many bytes lie from one
  /// feature to the next.
  ///
  /// Numbers side by side are a copy, so that pages of a mapped file do not stay in the process's memory, and a file that
  /// was cut short is an error. Those of column-major layers are not copied: the file is checked before.
  ///
  /// - Throws: where the layer lacks an example or cannot be read.
  package func withRows(
    of examples: some Collection<Int>,
    _ body: (_ start: UnsafeRawPointer, _ featureStride: Int) throws(ActivationReadError) -> Void
  ) throws(ActivationReadError) {
    // Before there is room for a row, whose length may be that of a damaged file.
    guard let first = examples.first else { return }
    _ = try row(first)
    switch memoryOrder {
    case .rowMajor:
      let copy = UnsafeMutableRawPointer.allocate(byteCount: max(bytesPerExample, 1), alignment: 16)
      defer { copy.deallocate() }
      for example in examples {
        try read(0..<bytesPerExample, of: example, into: copy)
        try body(copy, scalarType.size)
      }
    case .columnMajor:
      try check()
      for example in examples {
        let (start, featureStride) = try row(example)
        try body(start, featureStride)
      }
    }
  }

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
    var numbers: [Double] = []
    numbers.reserveCapacity(examples.count * shape.featureCount)
    try withRows(of: examples) { start, featureStride in
      scalarType.forEachNumber(
        from: start, stride: featureStride, count: shape.featureCount, isSwapped: isByteSwapped
      ) { numbers.append($1) }
    }
    return numbers
  }
}

extension ScalarType {
  /// Calls `body` with the place and the value of each of `count` numbers, `stride` bytes from one to the next, in this
  /// machine's byte order or not.
  @inlinable
  @inline(__always)
  package func forEachNumber(
    from start: UnsafeRawPointer, stride: Int, count: Int, isSwapped: Bool,
    _ body: (Int, Double) -> Void
  ) {
    @inline(__always) func each<Integer: FixedWidthInteger>(_ value: (Integer) -> Double) {
      for index in 0..<count {
        let stored = start.loadUnaligned(fromByteOffset: index * stride, as: Integer.self)
        body(index, value(isSwapped ? stored.byteSwapped : stored))
      }
    }
    switch self {
    case .float16: each { (bits: UInt16) in Double(Float16(bitPattern: bits)) }
    case .bfloat16: each { (bits: UInt16) in Double(Float(bitPattern: UInt32(bits) << 16)) }
    case .float8e4m3: each { (bits: UInt8) in ScalarType.float8e4m3(bits) }
    case .float8e5m2: each { (bits: UInt8) in ScalarType.float8e5m2(bits) }
    case .float32: each { (bits: UInt32) in Double(Float(bitPattern: bits)) }
    case .float64: each { (bits: UInt64) in Double(bitPattern: bits) }
    case .int8: each { (number: Int8) in Double(number) }
    case .int16: each { (number: Int16) in Double(number) }
    case .int32: each { (number: Int32) in Double(number) }
    case .int64: each { (number: Int64) in Double(number) }
    case .uint8: each { (number: UInt8) in Double(number) }
    case .uint16: each { (number: UInt16) in Double(number) }
    case .uint32: each { (number: UInt32) in Double(number) }
    case .uint64: each { (number: UInt64) in Double(number) }
    case .bool: each { (number: UInt8) in number == 0 ? 0 : 1 }
    }
  }
}
