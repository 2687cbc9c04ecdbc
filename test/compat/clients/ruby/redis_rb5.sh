# redis-rb 5: sh redis_rb5.sh PORT NAME. REDIS_RB5 is a folder with Debian 13's packages of it unpacked (test/compat/README.md).
RUBYLIB="$(ls -d "${REDIS_RB5:?}"/usr/share/rubygems-integration/all/gems/*/lib | paste -sd:)" exec ruby redis_rb.rb "$@"
