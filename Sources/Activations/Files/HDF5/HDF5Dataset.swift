#if HDF5
  import Activations
  import CHDF5Process

  /// One dataset: the type, shape and place of its numbers.
  struct HDF5Dataset {
    /// How a dataset's numbers are stored.
    private enum Storage {
      /// All in one piece, at this offset in the file.
      case contiguous(offset: Int)
      /// In the dataset's own header.
      case compact([UInt8])
      case chunked(HDF5Chunks)
    }

    let name: String
    private let layout: ArrayLayout
    private let storage: Storage
    private let place: Place

    /// Takes what libhdf5 says of a dataset and checks it against the file of `fileSize` bytes.
    init(
      _ dataset: HDF5Listing.Dataset, name: String, fileSize: Int, place: Place
    ) throws(ActivationFileError) {
      self.name = name
      self.place = place
      guard dataset.facts.is_null == 0 else {
        throw place.noLayer("holds no numbers (a null dataspace)")
      }
      let type = try HDF5Type(dataset.facts.type, place: place)
      let axes = try Self.axes(dataset.axes, place: place)
      if dataset.matlabClass.isEmpty {
        layout = try ArrayLayout(
          axes: axes, scalarType: type.scalarType, isByteSwapped: type.isByteSwapped, place: place)
      } else {
        layout = try ArrayLayout(matlab: dataset, axes: axes, type: type, place: place)
      }
      storage = try Self.storage(
        of: dataset, axes: axes, layout: layout, fileSize: fileSize, place: place)
    }

    private static func axes(
      _ lengths: [UInt64], place: Place
    ) throws(ActivationFileError) -> [Int] {
      var axes: [Int] = []
      for length in lengths {
        guard let axis = Int(exactly: length) else {
          throw place.data("an axis of \(length) is longer than any file")
        }
        axes.append(axis)
      }
      return axes
    }

    private static func storage(
      of dataset: HDF5Listing.Dataset, axes: [Int], layout: ArrayLayout, fileSize: Int,
      place: Place
    ) throws(ActivationFileError) -> Storage {
      let facts = dataset.facts
      switch cka_hdf5_layout(UInt32(truncatingIfNeeded: facts.layout)) {
      case CKA_HDF5_CONTIGUOUS:
        guard facts.offset >= 0 else { throw place.noLayer("was never written") }
        guard facts.size == layout.byteCount else {
          throw place.data("holds \(facts.size) bytes, its shape needs \(layout.byteCount)")
        }
        guard facts.offset <= fileSize, layout.byteCount <= fileSize - Int(facts.offset) else {
          throw place.data(
            "cut short: its \(layout.byteCount) bytes at \(facts.offset) end behind the file's "
              + "\(fileSize)")
        }
        return .contiguous(offset: Int(facts.offset))
      case CKA_HDF5_COMPACT:
        guard dataset.numbers.count == layout.byteCount else {
          throw place.data(
            "holds \(dataset.numbers.count) bytes, its shape needs \(layout.byteCount)")
        }
        return .compact(dataset.numbers)
      case CKA_HDF5_CHUNKED:
        return .chunked(
          try HDF5Chunks(
            dataset, axes: axes, scalarSize: layout.scalarType.size, fileSize: fileSize,
            place: place))
      case CKA_HDF5_VIRTUAL:
        throw place.noLayer("found a virtual dataset, expected numbers in this file")
      case CKA_HDF5_EXTERNAL:
        throw place.noLayer("its numbers are in another file, expected them in this one")
      default: throw place.data("found an unknown layout")
      }
    }

    /// The dataset as a layer. Numbers in one piece are memory-mapped, not copied; all others are
    /// unpacked when they are first needed.
    func layer(in file: MappedFile) throws(ActivationFileError) -> LayerActivations {
      if case .contiguous(let offset) = storage {
        let bytes = UnsafeRawBufferPointer(
          rebasing: file.bytes[offset..<(offset + layout.byteCount)])
        return layout.layer(name, bytes: bytes, storage: file)
      }
      let unpacked = try UnpackedArray(size: layout.byteCount, place: place) {
        [storage, place] (target) throws(ActivationFileError) in
        switch storage {
        case .chunked(let chunks): try chunks.unpack(from: file, place: place, into: target)
        case .compact(let numbers): target.bytes.copyBytes(from: numbers)
        case .contiguous: break
        }
      }
      return layout.layer(name, bytes: unpacked.bytes, storage: unpacked)
    }
  }

  extension ArrayLayout {
    /// MATLAB's arrays, since version 7.3 of its files: axes in the reverse order, so that its
    /// column-major arrays lie as they are. The class is an attribute of the dataset:
    /// https://www.mathworks.com/help/matlab/import_export/mat-file-versions.html
    fileprivate init(
      matlab dataset: HDF5Listing.Dataset, axes: [Int], type: HDF5Type, place: Place
    ) throws(ActivationFileError) {
      let numbers = [
        "double", "single", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
        "uint64",
      ]
      var scalarType = type.scalarType
      if dataset.matlabClass == "logical", scalarType.size == 1 {
        scalarType = .bool
      } else if !numbers.contains(dataset.matlabClass) {
        throw place.noLayer("found MATLAB's \(quoted(dataset.matlabClass)), expected numbers")
      }
      // Where an array is empty, its axes are stored in its place.
      guard dataset.facts.is_matlab_empty == 0 else {
        throw place.noLayer("found an empty array of MATLAB's, expected numbers")
      }
      try self.init(
        axes: axes.reversed(), scalarType: scalarType, isByteSwapped: type.isByteSwapped,
        memoryOrder: .columnMajor, place: place)
    }
  }
#endif
