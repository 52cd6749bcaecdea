#if HDF5
  import Activations
  import CHDF5

  /// One dataset: the type and shape of its numbers and where they lie.
  struct HDF5Dataset {
    /// How a dataset's numbers are stored.
    enum Storage: Equatable {
      /// All in one piece, at this offset in the file.
      case contiguous(offset: Int)
      /// In the dataset's own header.
      case compact
      case chunked(HDF5Chunks)
    }

    let name: String
    let layout: ArrayLayout
    let storage: Storage
    /// Where its header lies in the file.
    let address: haddr_t
    let place: Place

    /// Reads what the file of `fileSize` bytes says about the dataset, and checks its claims.
    init(
      _ dataset: borrowing HDF5Handle, name: String, fileSize: Int, place: Place
    ) throws(ActivationFileError) {
      self.name = name
      self.place = place
      var address: haddr_t = 0
      try place.check(cka_h5_address(dataset.id, &address))
      self.address = address

      let properties = try HDF5Handle(H5Dget_create_plist(dataset.id), opening: place)
      let kind = H5Pget_layout(properties.id)
      guard kind != H5D_VIRTUAL else {
        throw place.data("found a virtual dataset, expected numbers in this file")
      }
      guard H5Pget_external_count(properties.id) == 0 else {
        throw place.data("its numbers lie in another file, expected them in this one")
      }
      let typeHandle = try HDF5Handle(H5Dget_type(dataset.id), opening: place)
      let type = try HDF5Type(typeHandle.id, place: place)
      layout = try ArrayLayout(
        axes: try Self.axes(of: dataset, place: place), scalarType: type.scalarType,
        isByteSwapped: type.isByteSwapped, place: place)

      switch kind {
      case H5D_CONTIGUOUS:
        let offset = H5Dget_offset(dataset.id)
        guard offset != cka_h5_undefined_address else { throw place.data("was never written") }
        let size = H5Dget_storage_size(dataset.id)
        guard size == layout.byteCount else {
          throw place.data("holds \(size) bytes, its shape needs \(layout.byteCount)")
        }
        guard offset <= fileSize, layout.byteCount <= fileSize - Int(offset) else {
          throw place.data(
            "cut short: its \(layout.byteCount) bytes at \(offset) end behind the file's \(fileSize)"
          )
        }
        storage = .contiguous(offset: Int(offset))
      case H5D_COMPACT:
        let size = H5Dget_storage_size(dataset.id)
        guard size == layout.byteCount else {
          throw place.data("holds \(size) bytes, its shape needs \(layout.byteCount)")
        }
        storage = .compact
      case H5D_CHUNKED:
        let chunks = try HDF5Chunks(properties, layout: layout, place: place)
        try chunks.checkClaims(of: dataset, fileSize: fileSize, place: place)
        storage = .chunked(chunks)
      default: throw place.data("found a layout that is unknown here")
      }
    }

    private static func axes(
      of dataset: borrowing HDF5Handle, place: Place
    ) throws(ActivationFileError) -> [Int] {
      let space = try HDF5Handle(H5Dget_space(dataset.id), opening: place)
      guard H5Sget_simple_extent_type(space.id) != H5S_NULL else {
        throw place.data("holds no numbers (a null dataspace)")
      }
      let rank = H5Sget_simple_extent_ndims(space.id)
      try place.check(rank)
      var lengths = [hsize_t](repeating: 0, count: max(Int(rank), 1))
      try place.check(H5Sget_simple_extent_dims(space.id, &lengths, nil))
      var axes: [Int] = []
      for length in lengths.prefix(Int(rank)) {
        guard let axis = Int(exactly: length) else {
          throw place.data("an axis of \(length) is longer than any file")
        }
        axes.append(axis)
      }
      return axes
    }

    /// The dataset as a layer. Numbers in one piece are mapped where they lie; all others are
    /// unpacked when they are first needed.
    func layer(in file: MappedFile) throws(ActivationFileError) -> LayerActivations {
      if case .contiguous(let offset) = storage {
        let bytes = UnsafeRawBufferPointer(
          rebasing: file.bytes[offset..<(offset + layout.byteCount)])
        return layout.layer(name, bytes: bytes, storage: file)
      }
      let unpacked = try UnpackedArray(size: layout.byteCount, place: place) {
        [self] (target) throws(ActivationFileError) in
        try unpack(from: file, into: target)
      }
      return layout.layer(name, bytes: unpacked.bytes, storage: unpacked)
    }

    private func unpack(
      from file: MappedFile, into target: TemporaryFile.Target
    ) throws(ActivationFileError) {
      let handle = try HDF5Library.locked { () throws(ActivationFileError) -> HDF5Handle in
        let fileHandle = try HDF5Handle(cka_h5_open_file(file.openPath), opening: place)
        // The open dataset keeps its file open.
        let dataset = try HDF5Handle(H5Oopen_by_addr(fileHandle.id, address), opening: place)
        let now = try HDF5Dataset(dataset, name: name, fileSize: file.bytes.count, place: place)
        guard now.layout == layout, now.storage == storage else {
          throw place.error(.io, "was changed while it was read")
        }
        return dataset
      }
      if case .chunked(let chunks) = storage, chunks.isPacked {
        return try chunks.unpack(handle, place: place, into: target)
      }
      try HDF5Library.locked { () throws(ActivationFileError) in
        let type = try HDF5Handle(H5Dget_type(handle.id), opening: place)
        try place.check(
          H5Dread(
            handle.id, type.id, hid_t(H5S_ALL), hid_t(H5S_ALL), cka_h5_default,
            target.bytes.baseAddress))
      }
    }
  }
#endif
